#include "config.h"

#include "tests/simulation/relay_checker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "tests/simulation/cable.h"
#include "tests/simulation/timeline.h"
#include "tests/simulation/trace.h"

/* More than any world brings about. */
#define MAILBOX_MESSAGES 4096
#define MAILBOX_SIDES    16
#define SIDE_MAX         32
#define NAME_MAX_TEXT    64
/* What expires is looked for, and those who listen are noted, ten times in a retention; the relay's
 * disk may fail meanwhile. */
#define SLACK_SHARE 10
#define SLACK       (11 * TIMELINE_MINUTE)
/* How long a commit may take, at the most. */
#define COMMIT_PATIENCE TIMELINE_SECOND

struct mailbox {
    char id[NAME_MAX_TEXT];
    char *messages[MAILBOX_MESSAGES]; /* each that was told, in order, up to when */
    unsigned count;
    char sides[MAILBOX_SIDES][SIDE_MAX];
    bool closed[MAILBOX_SIDES]; /* has, as far as it was heard */
    unsigned side_count;
    unsigned life;  /* how often it was forgotten */
    bool ended;     /* all sides had closed at some time: it may be forgotten */
    int64_t active; /* when somebody was there, for certain */
    struct mailbox *next;
};

/* Where a pong said that somebody stands. */
struct place {
    char token[NAME_MAX_TEXT];
    const struct mailbox *mailbox;
    unsigned life; /* of the mailbox, then */
    unsigned told;
    struct place *next;
};

/* What somebody waits for. */
struct wish {
    const char *type;         /* "add": to be told or refused; "ping": to be answered */
    char name[NAME_MAX_TEXT]; /* the phase; the number */
    int64_t since;
    struct wish *next;
};

/* A connection, or a channel of one. */
struct ear {
    const void *connection;
    long channel; /* 0: the connection */
    char side[SIDE_MAX];
    struct mailbox *opened;    /* NULL: none */
    unsigned told;             /* of its messages */
    unsigned skipped;          /* of these, were told before, to whoever resumes */
    char after[NAME_MAX_TEXT]; /* the token that it opened with, or "" */
    struct wish *wishes;       /* in the order in which they were heard */
    bool welcomed, owes_ack, dropped;
    struct ear *next;
};

struct relay_checker {
    int64_t retention;
    bool commits;
    struct ear *first;
    struct mailbox *mailboxes;
    struct place *places;
};

/* ---- all of them ---- */

struct relay_checker *relay_checker_new(int64_t retention)
{
    struct relay_checker *checker = calloc(1, sizeof(*checker));
    checker->retention = retention;
    return checker;
}

static void forget_messages(struct mailbox *mailbox)
{
    while (mailbox->count > 0)
        free(mailbox->messages[--mailbox->count]);
}

void relay_checker_free(struct relay_checker *checker)
{
    struct mailbox *mailbox;
    struct place *place;
    while (checker->first != NULL)
        relay_checker_leave(checker, checker->first->connection);
    while ((mailbox = checker->mailboxes) != NULL) {
        checker->mailboxes = mailbox->next;
        forget_messages(mailbox);
        free(mailbox);
    }
    while ((place = checker->places) != NULL) {
        checker->places = place->next;
        free(place);
    }
    free(checker);
}

void relay_checker_commits(struct relay_checker *checker, bool commits)
{
    checker->commits = commits;
}

static struct ear *find(const struct relay_checker *checker, const void *connection, long channel)
{
    struct ear *ear = checker->first;
    while (ear != NULL && (ear->connection != connection || ear->channel != channel))
        ear = ear->next;
    return ear;
}

static struct ear *add_ear(struct relay_checker *checker, const void *connection, long channel)
{
    struct ear *ear = calloc(1, sizeof(*ear));
    *ear = (struct ear){.connection = connection,
                        .channel = channel,
                        .welcomed = channel != 0,
                        .next = checker->first};
    return checker->first = ear;
}

void relay_checker_enter(struct relay_checker *checker, const void *connection)
{
    add_ear(checker, connection, 0);
}

static void make_wish(struct ear *ear, const char *type, const char *name)
{
    struct wish *wish = calloc(1, sizeof(*wish));
    wish->type = type;
    wish->since = timeline_now();
    snprintf(wish->name, sizeof(wish->name), "%s", name);
    LL_APPEND(ear->wishes, wish);
}

static struct wish *find_wish(const struct ear *ear, const char *type, const char *name)
{
    struct wish *wish = ear->wishes;
    while (wish != NULL && (strcmp(wish->type, type) != 0 || strcmp(wish->name, name) != 0))
        wish = wish->next;
    return wish;
}

static void end_wish(struct ear *ear, struct wish *wish)
{
    LL_DELETE(ear->wishes, wish);
    free(wish);
}

static void end_wishes(struct ear *ear)
{
    while (ear->wishes != NULL) {
        const struct wish *wish = ear->wishes;
        if (strcmp(wish->type, "add") == 0 && !ear->dropped &&
            timeline_now() - wish->since > COMMIT_PATIENCE)
            trace_fail("the relay has neither told nor refused what was added");
        end_wish(ear, ear->wishes);
    }
}

static void forget_ear(struct relay_checker *checker, struct ear *ear)
{
    struct ear **place = &checker->first;
    while (*place != ear)
        place = &(*place)->next;
    end_wishes(ear);
    if (ear->opened != NULL && ear->told > 0)
        ear->opened->active = timeline_now(); /* it has listened until now */
    *place = ear->next;
    free(ear);
}

void relay_checker_leave(struct relay_checker *checker, const void *connection)
{
    struct ear *ear, *next;
    for (ear = checker->first; ear != NULL; ear = next) {
        next = ear->next;
        if (ear->connection == connection)
            forget_ear(checker, ear);
    }
}

/* ---- mailboxes ---- */

static struct mailbox *mailbox_of(struct relay_checker *checker, const char *id)
{
    struct mailbox *mailbox = checker->mailboxes;
    while (mailbox != NULL && strcmp(mailbox->id, id) != 0)
        mailbox = mailbox->next;
    if (mailbox != NULL)
        return mailbox;
    mailbox = calloc(1, sizeof(*mailbox));
    snprintf(mailbox->id, sizeof(mailbox->id), "%s", id);
    mailbox->next = checker->mailboxes;
    return checker->mailboxes = mailbox;
}

static bool may_be_forgotten(const struct relay_checker *checker, const struct mailbox *mailbox)
{
    int64_t least = checker->retention - checker->retention / SLACK_SHARE - SLACK;
    return mailbox->ended || timeline_now() - mailbox->active >= least;
}

/* It is found empty. */
static void note_forgotten(const struct relay_checker *checker, struct mailbox *mailbox)
{
    if (!may_be_forgotten(checker, mailbox))
        trace_fail("the relay has forgotten mailbox %s before its time", mailbox->id);
    forget_messages(mailbox);
    mailbox->life++;
    mailbox->side_count = 0;
    mailbox->ended = false;
}

static unsigned place_of(struct mailbox *mailbox, const char *side)
{
    unsigned place = 0;
    while (place < mailbox->side_count && strcmp(mailbox->sides[place], side) != 0)
        place++;
    if (place == MAILBOX_SIDES)
        abort();
    if (place == mailbox->side_count) {
        snprintf(mailbox->sides[mailbox->side_count++], SIDE_MAX, "%s", side);
        mailbox->closed[place] = false;
    }
    return place;
}

/* The relay lets a side be there: not more than two. */
static void note_side(struct mailbox *mailbox, const char *side)
{
    place_of(mailbox, side);
    mailbox->active = timeline_now();
    if (mailbox->side_count > 2 && !mailbox->ended)
        trace_fail("the relay let a third side into mailbox %s", mailbox->id);
}

static void note_close(struct mailbox *mailbox, const char *side)
{
    bool all = true;
    mailbox->closed[place_of(mailbox, side)] = true;
    for (unsigned i = 0; i < mailbox->side_count; i++)
        all &= mailbox->closed[i];
    mailbox->ended |= all;
}

/* ---- texts: the relay's own, and those of clients of ours, who write no blanks and no escapes
 * ---- */

/* The name under a key; "" if there is none. */
static void read_name(const char *text, const char *key, char *ret_name, size_t size)
{
    char quoted[NAME_MAX_TEXT];
    size_t length = 0;
    snprintf(quoted, sizeof(quoted), "\"%s\":\"", key);
    const char *at = strstr(text, quoted);
    for (at = at == NULL ? "" : at + strlen(quoted); *at != '\0' && *at != '"'; at++)
        if (length + 1 < size)
            ret_name[length++] = *at;
    ret_name[length] = '\0';
}

/* The number under a key, as it is written; "" if there is none. */
static void read_number(const char *text, const char *key, char *ret_number, size_t size)
{
    char quoted[NAME_MAX_TEXT];
    snprintf(quoted, sizeof(quoted), "\"%s\":", key);
    const char *at = strstr(text, quoted);
    at = at == NULL ? "" : at + strlen(quoted);
    snprintf(ret_number, size, "%.*s", (int)strspn(at, "-0123456789"), at);
}

static struct mailbox *named_mailbox(struct relay_checker *checker, const char *text)
{
    char id[NAME_MAX_TEXT];
    read_name(text, "mailbox", id, sizeof(id));
    return mailbox_of(checker, id);
}

/* ---- what it hears ---- */

static void on_bind(struct relay_checker *checker, struct ear *ear, const char *text)
{
    (void)checker;
    read_name(text, "side", ear->side, sizeof(ear->side));
}

static void on_open(struct relay_checker *checker, struct ear *ear, const char *text)
{
    ear->opened = named_mailbox(checker, text);
    ear->told = ear->skipped = 0;
    read_name(text, "after", ear->after, sizeof(ear->after));
}

static void on_add(struct relay_checker *checker, struct ear *ear, const char *text)
{
    char phase[NAME_MAX_TEXT];
    (void)checker;
    read_name(text, "phase", phase, sizeof(phase));
    make_wish(ear, "add", phase);
}

static void on_ping(struct relay_checker *checker, struct ear *ear, const char *text)
{
    char number[NAME_MAX_TEXT];
    (void)checker;
    read_number(text, "ping", number, sizeof(number));
    make_wish(ear, "ping", number);
}

static void on_close(struct relay_checker *checker, struct ear *ear, const char *text)
{
    note_close(named_mailbox(checker, text), ear->side);
}

/* ---- what it says ---- */

static void on_welcome(struct relay_checker *checker, struct ear *ear, const char *text)
{
    (void)checker;
    (void)text;
    if (ear->welcomed)
        trace_fail("the relay welcomes somebody twice");
    ear->welcomed = true;
}

static void on_ack(struct relay_checker *checker, struct ear *ear, const char *text)
{
    (void)checker;
    (void)text;
    if (!ear->owes_ack)
        trace_fail("the relay acknowledges what nobody said");
    ear->owes_ack = false;
}

static void on_claimed(struct relay_checker *checker, struct ear *ear, const char *text)
{
    note_side(named_mailbox(checker, text), ear->side);
}

/* The next of the mailbox: one that others were told too, or a new one. */
static void place_message(struct relay_checker *checker, struct ear *ear, char *message)
{
    struct mailbox *mailbox = ear->opened;
    bool known = ear->told < mailbox->count;
    if (known && strcmp(mailbox->messages[ear->told], message) != 0) {
        if (ear->told > ear->skipped)
            trace_fail("the relay tells the messages of mailbox %s in two orders", mailbox->id);
        note_forgotten(checker, mailbox);
        known = false;
    }
    if (ear->told == MAILBOX_MESSAGES)
        abort();
    if (known)
        free(message);
    else
        mailbox->messages[mailbox->count++] = message;
    ear->told++;
}

static void on_message(struct relay_checker *checker, struct ear *ear, const char *text)
{
    char side[SIDE_MAX], phase[NAME_MAX_TEXT];
    const char *end = strstr(text, ",\"server_tx\"");
    if (ear->opened == NULL || end == NULL) {
        trace_fail("the relay tells a message to somebody who has opened no mailbox");
        return;
    }
    read_name(text, "side", side, sizeof(side));
    read_name(text, "phase", phase, sizeof(phase));
    struct wish *wish = find_wish(ear, "add", phase);
    if (wish != NULL && strcmp(side, ear->side) == 0)
        end_wish(ear, wish);
    place_message(checker, ear, strndup(text, (size_t)(end - text)));
    note_side(ear->opened, ear->side);
}

/* The newest first: a mailbox that was forgotten may use a token again only by chance. */
static struct place *find_place(const struct relay_checker *checker, const char *token)
{
    struct place *place = checker->places;
    while (place != NULL && strcmp(place->token, token) != 0)
        place = place->next;
    return place;
}

static void note_place(struct relay_checker *checker, const struct ear *ear, const char *text)
{
    char token[NAME_MAX_TEXT];
    read_name(text, "position", token, sizeof(token));
    if (token[0] == '\0')
        return;
    struct place *place = find_place(checker, token);
    if (ear->opened == NULL) {
        trace_fail("the relay tells a place to somebody who has opened no mailbox");
    } else if (place == NULL) {
        place = calloc(1, sizeof(*place));
        *place = (struct place){.mailbox = ear->opened,
                                .life = ear->opened->life,
                                .told = ear->told,
                                .next = checker->places};
        memcpy(place->token, token, sizeof(token));
        checker->places = place;
    } else if (place->mailbox != ear->opened || place->life != ear->opened->life ||
               place->told != ear->told) {
        trace_fail("the relay gives two places one name");
    }
}

/* What was told up to there is not told again, so it must be the same mailbox still. */
static void on_resumed(struct relay_checker *checker, struct ear *ear, const char *text)
{
    const struct place *place = find_place(checker, ear->after);
    (void)text;
    if (ear->opened == NULL || ear->told > 0 || place == NULL || place->mailbox != ear->opened ||
        place->life != ear->opened->life)
        trace_fail("the relay resumes where nobody was");
    else
        ear->told = ear->skipped = place->told;
}

/* Whatever was asked for before the ping is done; what came behind it may wait. */
static void on_pong(struct relay_checker *checker, struct ear *ear, const char *text)
{
    char number[NAME_MAX_TEXT];
    read_number(text, "pong", number, sizeof(number));
    struct wish *ping = find_wish(ear, "ping", number);
    if (ping == NULL)
        trace_fail("the relay says a pong for which nobody asked");
    else if (ping != ear->wishes)
        trace_fail("the relay says pong before it has told what was added");
    if (ping != NULL)
        end_wish(ear, ping);
    if (ear->opened == NULL)
        return;
    if (ear->told == 0 && ear->opened->count > 0)
        note_forgotten(checker, ear->opened);
    if (ear->told < ear->opened->count)
        trace_fail("the relay says pong before it has told all that mailbox %s holds",
                   ear->opened->id);
    note_place(checker, ear, text);
}

/* What was refused is not waited for. */
static void on_error(struct relay_checker *checker, struct ear *ear, const char *text)
{
    const char *quoted = strstr(text, "\"orig\"");
    char type[NAME_MAX_TEXT], phase[NAME_MAX_TEXT];
    (void)checker;
    read_name(quoted == NULL ? "" : quoted, "type", type, sizeof(type));
    read_name(quoted == NULL ? "" : quoted, "phase", phase, sizeof(phase));
    struct wish *wish = find_wish(ear, "add", phase);
    if (wish != NULL && strcmp(type, "add") == 0)
        end_wish(ear, wish);
    if (strcmp(type, "open") == 0)
        ear->opened = NULL;
}

/* What was said on the channel before is not waited for. */
static void on_left(struct relay_checker *checker, struct ear *ear, const char *text)
{
    (void)checker;
    (void)text;
    if (ear->channel == 0)
        trace_fail("the relay says of a connection that it has left");
    ear->dropped = true;
}

static void on_closed(struct relay_checker *checker, struct ear *ear, const char *text)
{
    (void)checker;
    (void)text;
    ear->opened = NULL;
}

static const struct type {
    const char *name;
    void (*heard)(struct relay_checker *, struct ear *, const char *);
    void (*said)(struct relay_checker *, struct ear *, const char *);
    bool durable; /* it says that something is */
} types[] = {
    {"ack", NULL, on_ack, false},        {"add", on_add, NULL, false},
    {"allocated", NULL, NULL, true},     {"bind", on_bind, NULL, false},
    {"claimed", NULL, on_claimed, true}, {"close", on_close, NULL, false},
    {"closed", NULL, on_closed, true},   {"error", NULL, on_error, false},
    {"message", NULL, on_message, true}, {"open", on_open, NULL, false},
    {"left", NULL, on_left, false},      {"ping", on_ping, NULL, false},
    {"pong", NULL, on_pong, false},      {"released", NULL, NULL, true},
    {"resumed", NULL, on_resumed, true}, {"welcome", NULL, on_welcome, false},
};

/* Its row in the table; NULL: an unknown type. */
static const struct type *type_of(const char *text)
{
    char name[NAME_MAX_TEXT];
    read_name(text, "type", name, sizeof(name));
    for (unsigned i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (strcmp(types[i].name, name) == 0)
            return &types[i];
    return NULL;
}

/* ---- all of it ---- */

void relay_checker_hear(struct relay_checker *checker, const void *connection, const char *text)
{
    long channel = cable_channel(text);
    struct ear *ear = find(checker, connection, channel);
    const struct type *type = type_of(text);
    if (strstr(text, "\"type\":\"leave\"") != NULL) {
        if (ear != NULL)
            forget_ear(checker, ear);
        return;
    }
    if (ear == NULL && type != NULL && type->heard == on_bind)
        ear = add_ear(checker, connection, channel);
    if (ear == NULL || ear->dropped)
        return; /* it crosses with the channel's end */
    if (type != NULL && type->heard != NULL)
        type->heard(checker, ear, text);
    ear->owes_ack = channel == 0;
}

void relay_checker_heard(struct relay_checker *checker, const void *connection)
{
    const struct ear *ear = find(checker, connection, 0);
    if (ear->owes_ack && !ear->dropped)
        trace_fail("the relay does not acknowledge at once what it hears");
}

void relay_checker_said(struct relay_checker *checker, const void *connection, const char *text)
{
    struct ear *ear = find(checker, connection, cable_channel(text));
    const struct type *type = type_of(text);
    if (ear == NULL || ear->dropped) {
        if (type == NULL || type->said != on_left)
            trace_fail("the relay answers on a channel that is not there");
        return;
    }
    if (type != NULL && type->said != NULL)
        type->said(checker, ear, text);
    if (!ear->welcomed)
        trace_fail("the relay says something before it welcomes");
    if (ear->owes_ack)
        trace_fail("the relay answers before it acknowledges");
    if (type != NULL && type->durable && !checker->commits)
        trace_fail("the relay says %s of what is not durable", type->name);
}

void relay_checker_dropped(struct relay_checker *checker, const void *connection)
{
    for (struct ear *ear = checker->first; ear != NULL; ear = ear->next)
        ear->dropped |= ear->connection == connection;
}
