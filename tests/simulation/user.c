#include "config.h"

#include "tests/simulation/user.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state/export.h"
#include "tests/simulation/chance.h"
#include "tests/simulation/timeline.h"
#include "tests/simulation/trace.h"

#define APPID "example.com/simulation"
#define RELAY "ws://relay.invalid/v1"
/* Messages that somebody sends, or reads, at a sitting. */
#define GULP 10
/* What somebody clicks who has no patience. */
#define CLICKS 20

void user_begin(struct user *user, const char *name, struct home *home)
{
    *user = (struct user){.home = home, .schedule = "email"};
    user->side.who = name;
    user->side.disk = home->machine.disk;
}

void user_end(struct user *user)
{
    judge_clear(&user->side);
    free(user->code);
    export_free_text(user->luggage);
}

const struct session *user_session(const struct user *user)
{
    return user->side.known ? disk_session(user->side.disk, user->side.id) : NULL;
}

/* ---- asking the daemon, and what it answers ---- */

static void stir(struct user *user)
{
    judge_stirred(&user->side);
    for (int i = 0; i < JUDGE_PEERS && user->side.peers[i] != NULL; i++)
        judge_stirred(user->side.peers[i]);
}

/* Who asks a daemon that crashes gets no answer, and asks again. */
static void ask(struct user *user, const struct session_event *event, turn_done done)
{
    struct turns *turns = machine_turns(&user->home->machine);
    stir(user);
    if (turns != NULL)
        turn_event(turns, user->side.id, event, done, user);
}

static bool is_told(const struct user *user, const struct turn_answer *answer)
{
    return !user->home->machine.net.dead && answer->code == TURN_DONE;
}

static void on_answer(void *arg, const struct turn_answer *answer)
{
    struct user *user = arg;
    if (is_told(user, answer))
        judge_answered(&user->side, answer->session);
}

/* ---- beginning ---- */

static void on_created(void *arg, const struct turn_answer *answer)
{
    struct user *user = arg;
    if (!is_told(user, answer))
        return;
    trace(user->side.who, "the user has a session");
    memcpy(user->side.id, answer->session->id, SESSION_ID_BYTES);
    judge_answered(&user->side, answer->session);
}

/* Where the answer is lost in a crash, the user finds the session in the list. */
static void create(struct user *user)
{
    struct schedule schedule;
    schedule_parse(user->schedule, &schedule);
    stir(user);
    turn_create(machine_turns(&user->home->machine),
                &(struct session_options){.name = user->side.who,
                                          .appid = APPID,
                                          .relay = RELAY,
                                          .code = user->code,
                                          .schedule = &schedule,
                                          .words = CODE_WORDS_DEFAULT,
                                          .timeout = USER_TIMEOUT,
                                          .verify = user->verify,
                                          .lasting = user->lasting,
                                          .inbox_messages = user->inbox_messages},
                on_created, user);
}

/* ---- sending ---- */

static void on_sent(void *arg, const struct turn_answer *answer)
{
    struct user *user = arg;
    on_answer(arg, answer);
    if (!is_told(user, answer))
        return;
    if (user->to_send > 0)
        user->to_send--;
    judge_accepted(&user->side, answer->number);
}

static void send_one(struct user *user)
{
    char text[64];
    if (user->to_send == 0 || user->luggage != NULL)
        return;
    snprintf(text, sizeof(text), "%s says %u", user->side.who, user->serial++);
    trace(user->side.who, "the user sends '%s'", text);
    ask(user,
        &(struct session_event){
            .type = EVENT_SEND, .data = (const uint8_t *)text, .length = strlen(text)},
        on_sent);
}

/* ---- reading ---- */

static bool may_read(const struct session *session)
{
    return session != NULL && session->verification != VERIFICATION_PENDING &&
           session->acked < session->received;
}

/* Hears the message; false if there is none to be had. */
static bool hear(struct user *user, uint32_t number)
{
    const uint8_t *data;
    size_t length;
    bool there = disk_message(user->side.disk, STORE_INBOX, user->side.id, number, &data, &length);
    if (there)
        judge_got(&user->side, number, data, length);
    else if (user_session(user)->state < SESSION_CLOSED)
        trace_fail("%s has no message %u, which it received", user->side.who, number);
    return there;
}

static void read_some(struct user *user, uint32_t most)
{
    const struct session *session = user_session(user);
    uint32_t number;
    if (!may_read(session))
        return;
    for (number = session->acked; number < session->received && number - session->acked < most;)
        if (!hear(user, number++))
            return;
    ask(user, &(struct session_event){.type = EVENT_ACK, .number = number - 1}, on_answer);
}

static void read_next(struct user *user)
{
    read_some(user, 1);
}

/* ---- the rest ---- */

static void poke(struct user *user)
{
    ask(user, &(struct session_event){.type = EVENT_POLL}, on_answer);
}

static void poke_wildly(struct user *user)
{
    struct session_event events[] = {{.type = EVENT_POLL}, {.type = EVENT_WAKE}};
    struct turns *turns = machine_turns(&user->home->machine);
    stir(user);
    for (int i = 0; i < CLICKS; i++)
        turn_event(turns, user->side.id, &events[i % 2], NULL, NULL);
}

static void verify(struct user *user, bool agree)
{
    ask(user, &(struct session_event){.type = EVENT_VERIFY, .number = agree}, on_answer);
}

static void agree(struct user *user)
{
    if (!user->slow)
        verify(user, true);
}

static void rename_it(struct user *user)
{
    char name[16];
    snprintf(name, sizeof(name), "%s-%u", user->side.who, user->serial++);
    turn_rename(machine_turns(&user->home->machine), user->side.id, name, on_answer, user);
}

/* ---- parting ---- */

void user_close(struct user *user)
{
    const struct session *session = user_session(user);
    if (session == NULL || session->state >= SESSION_CLOSING)
        return;
    trace(user->side.who, "the user closes");
    ask(user, &(struct session_event){.type = EVENT_CLOSE}, on_answer);
}

static void on_forgotten(void *arg, const struct turn_answer *answer)
{
    struct user *user = arg;
    if (is_told(user, answer) && user_session(user) != NULL)
        trace_fail("%s told its user that it has forgotten, and has not", user->side.who);
}

static void forget(struct user *user, enum turn_forgetting which)
{
    struct turns *turns = machine_turns(&user->home->machine);
    if (turns != NULL)
        turn_forget(turns, user->side.id, which, on_forgotten, user);
}

static void forget_rudely(struct user *user)
{
    forget(user, TURN_FORGET_ANY);
}

static void doubt(struct user *user)
{
    verify(user, false);
}

static void part(struct user *user)
{
    static void (*const partings[PARTINGS])(struct user *) = {
        [PARTS_EARLY] = user_close,
        [PARTS_BY_FORGETTING] = forget_rudely,
        [PARTS_BY_DOUBT] = doubt,
    };
    if (partings[user->parting] == NULL || user->luggage != NULL)
        return;
    trace(user->side.who, "the user parts");
    user->parted = true;
    partings[user->parting](user);
}

/* ---- moving to another machine ---- */

static void on_exported(void *arg, const struct turn_answer *answer)
{
    struct user *user = arg;
    if (!is_told(user, answer) || user->luggage != NULL)
        return;
    judge_answered(&user->side, answer->session);
    if (export_write(answer->session, &user->luggage) != EXPORT_OK)
        trace_fail("%s cannot be handed over", user->side.who);
    trace(user->side.who, "the user packs");
}

static void on_imported(void *arg, const struct turn_answer *answer)
{
    struct user *user = arg;
    const struct home *target = user->target;
    if (target == NULL || user->home == target || target->machine.net.dead ||
        answer->code != TURN_DONE)
        return;
    trace_fail("%s told its user that it came in, and it is not durable", user->side.who);
}

static void unpack(struct user *user)
{
    struct turns *turns = machine_turns(&user->target->machine);
    struct session *session;
    if (turns == NULL)
        return;
    if (export_read(user->luggage, strlen(user->luggage), &session) != EXPORT_OK)
        trace_fail("the luggage of %s is damaged", user->side.who);
    else
        turn_import(turns, session, on_imported, user);
}

void user_moved(struct user *user, struct home *home)
{
    user->former = user->home == home ? NULL : user->home;
    user->home = home;
    user->side.disk = home->machine.disk;
    export_free_text(user->luggage);
    user->luggage = NULL;
    user->target = NULL;
}

/* What stayed behind where it lived before. */
static void tidy(struct user *user)
{
    struct turns *turns = machine_turns(&user->former->machine);
    if (disk_session(user->former->machine.disk, user->side.id) == NULL)
        user->former = NULL;
    else if (turns != NULL)
        turn_forget(turns, user->side.id, TURN_FORGET_EXPORTED, NULL, NULL);
}

static void move(struct user *user)
{
    const struct session *session = user_session(user);
    if (user->luggage != NULL)
        unpack(user);
    else if (user->former != NULL)
        tidy(user);
    else if (user->target != NULL &&
             (session->state == SESSION_WAITING || session->state == SESSION_EXPORTED))
        ask(user, &(struct session_event){.type = EVENT_EXPORT}, on_exported);
}

/* ---- what a person does ---- */

void user_forget(struct user *user)
{
    if (user->former != NULL)
        tidy(user);
    forget(user, TURN_FORGET_ENDED);
}

/* Something is on its way to another machine, or something stayed behind. */
static bool is_moving(const struct user *user, const struct session *session)
{
    return user->former != NULL || user->luggage != NULL || session->state == SESSION_EXPORTED;
}

void user_attend(struct user *user)
{
    const struct session *session = user_session(user);
    if (machine_turns(&user->home->machine) == NULL)
        return;
    if (!user->side.known) {
        create(user);
        return;
    }
    if (session == NULL)
        return;
    if (is_moving(user, session))
        move(user);
    if (session->verification == VERIFICATION_PENDING && session->state == SESSION_ESTABLISHED &&
        timeline_now() >= user->compares)
        verify(user, true);
    for (unsigned left = user->to_send, i = 0; i < left && i < GULP; i++)
        send_one(user);
    read_some(user, GULP);
}

void user_act(struct user *user)
{
    static void (*const acts[])(struct user *) = {
        read_next, read_next, read_next, send_one, send_one, send_one, send_one,    poke,
        agree,     agree,     rename_it, move,     move,     part,     poke_wildly,
    };
    if (machine_turns(&user->home->machine) == NULL)
        return;
    if (!user->side.known)
        create(user);
    else if (user_session(user) != NULL)
        acts[chance_below(sizeof(acts) / sizeof(*acts))](user);
}
