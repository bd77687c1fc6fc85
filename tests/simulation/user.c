#include "config.h"

#include "tests/simulation/user.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/simulation/chance.h"
#include "tests/simulation/timeline.h"
#include "tests/simulation/trace.h"

#define APPID "example.com/simulation"
#define RELAY "ws://relay.invalid/v1"

/* ---- the world's news ---- */

static void on_committed(void *arg)
{
    struct user *user = arg;
    judge_committed(&user->side);
}

static void on_heard(void *arg, const char *text)
{
    struct user *user = arg;
    judge_heard(&user->side, text);
}

static void on_dialled(void *arg)
{
    struct user *user = arg;
    judge_dialled(&user->side);
}

void user_begin(struct user *user, const char *name, struct rendezvous *relay)
{
    *user = (struct user){.schedule = "email"};
    machine_begin(&user->machine, name, relay);
    user->machine.arg = user->machine.net.arg = user;
    user->machine.committed = on_committed;
    user->machine.net.heard = on_heard;
    user->machine.net.dialled = on_dialled;
    user->side.who = name;
    user->side.disk = user->machine.disk;
    machine_start(&user->machine);
}

void user_end(struct user *user)
{
    machine_end(&user->machine);
    judge_clear(&user->side);
    free(user->code);
}

struct session *user_session(const struct user *user)
{
    return user->side.begun ? disk_session(user->machine.disk, user->side.id) : NULL;
}

/* ---- asking the daemon ---- */

/* Who asks a daemon that crashes gets no answer, and asks again. */
static bool ask(struct user *user, const struct session_event *event, turn_done done)
{
    struct turns *turns = machine_turns(&user->machine);
    judge_stirred(&user->side);
    if (user->side.peer != NULL)
        judge_stirred(user->side.peer);
    return turns != NULL && turn_event(turns, user->side.id, event, done, user);
}

static bool is_told(const struct user *user)
{
    return !user->machine.net.dead;
}

/* ---- beginning ---- */

static void on_created(void *arg, const struct turn_answer *answer)
{
    struct user *user = arg;
    struct session *durable;
    if (!is_told(user) || answer->code != TURN_DONE)
        return;
    trace(user->side.who, "the user has a session");
    memcpy(user->side.id, answer->session->id, SESSION_ID_BYTES);
    user->side.begun = true;
    durable = user_session(user);
    if (durable == NULL)
        trace_fail("%s told its user of a session that is not durable", user->side.who);
    session_free(durable);
}

/* Where the answer was lost in a crash, the user finds the session in the list. */
static void create(struct user *user)
{
    struct schedule schedule;
    struct turns *turns = machine_turns(&user->machine);
    if (disk_first(user->machine.disk, user->side.id)) {
        user->side.begun = true;
        return;
    }
    schedule_parse(user->schedule, &schedule);
    turn_create(turns,
                &(struct session_options){.appid = APPID,
                                          .relay = RELAY,
                                          .code = user->code,
                                          .schedule = &schedule,
                                          .words = CODE_WORDS_DEFAULT,
                                          .timeout = 300 * TIMELINE_DAY,
                                          .verify = user->verify},
                on_created, user);
}

/* ---- sending ---- */

static void on_sent(void *arg, const struct turn_answer *answer)
{
    struct user *user = arg;
    if (!is_told(user) || answer->code != TURN_DONE)
        return;
    if (user->to_send > 0)
        user->to_send--;
    judge_accepted(&user->side, answer->number);
}

static void send(struct user *user)
{
    char text[64];
    snprintf(text, sizeof text, "%s says %u", user->side.who, user->serial++);
    trace(user->side.who, "the user sends '%s'", text);
    ask(user,
        &(struct session_event){
            .type = EVENT_SEND, .data = (const uint8_t *)text, .length = strlen(text)},
        on_sent);
}

/* ---- reading ---- */

static void on_acknowledged(void *arg, const struct turn_answer *answer)
{
    struct user *user = arg;
    if (is_told(user) && answer->code == TURN_DONE)
        trace(user->side.who, "the user has read %u", answer->session->acked);
}

static bool may_read(const struct session *session)
{
    return session->verification != VERIFICATION_PENDING;
}

static void read_next(struct user *user)
{
    struct session *session = user_session(user);
    const uint8_t *data;
    size_t length;
    if (session != NULL && may_read(session) && session->acked < session->received &&
        disk_message(user->machine.disk, STORE_INBOX, user->side.id, session->acked, &data,
                     &length)) {
        judge_got(&user->side, session->acked, data, length);
        ask(user, &(struct session_event){.type = EVENT_ACK, .number = session->acked},
            on_acknowledged);
    } else if (session != NULL && session->acked < session->received &&
               session->state < SESSION_CLOSED && may_read(session)) {
        trace_fail("%s has no message %u, which it received", user->side.who, session->acked);
    }
    session_free(session);
}

/* ---- the rest ---- */

static void poke(struct user *user)
{
    ask(user, &(struct session_event){.type = EVENT_POLL}, NULL);
}

static void agree(struct user *user)
{
    ask(user, &(struct session_event){.type = EVENT_VERIFY, .number = 1}, NULL);
}

static void rename_it(struct user *user)
{
    char name[16];
    snprintf(name, sizeof name, "name-%u", user->serial++);
    ask(user, &(struct session_event){.type = EVENT_RENAME, .text = name}, NULL);
}

void user_close(struct user *user)
{
    struct session *session = user_session(user);
    if (session != NULL && session->state < SESSION_CLOSING) {
        trace(user->side.who, "the user closes");
        ask(user, &(struct session_event){.type = EVENT_CLOSE}, NULL);
    }
    session_free(session);
}

void user_forget(struct user *user)
{
    struct turns *turns = machine_turns(&user->machine);
    if (turns != NULL)
        turn_forget(turns, user->side.id, false, NULL, NULL);
}

void user_attend(struct user *user)
{
    struct session *session;
    if (machine_turns(&user->machine) == NULL)
        return;
    if (!user->side.begun) {
        create(user);
        return;
    }
    session = user_session(user);
    if (session != NULL && session->verification == VERIFICATION_PENDING &&
        session->state == SESSION_ESTABLISHED)
        agree(user);
    session_free(session);
    if (user->to_send > 0)
        send(user);
    read_next(user);
}

void user_act(struct user *user)
{
    static void (*const acts[])(struct user *) = {read_next, read_next, send,     send,
                                                  poke,      agree,     rename_it};
    if (machine_turns(&user->machine) == NULL)
        return;
    if (!user->side.begun) {
        create(user);
        return;
    }
    void (*act)(struct user *) = acts[chance_below(sizeof acts / sizeof *acts)];
    if (act != send || user->to_send > 0)
        act(user);
}
