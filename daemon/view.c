#include "config.h"

#include "daemon/view.h"

#include <sodium.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/leases.h"
#include "base/clock.h"
#include "daemon/relays.h"
#include "daemon/rpc.h"
#include "daemon/turn.h"
#include "ipc/writer.h"
#include "wormhole/payload.h"
#include "wormhole/session.h"
#include "wormhole/words.h"

/* The longest words have 11 letters; each is followed by a blank or a NUL. */
#define VERIFIER_WORDS_SIZE (KEY_BYTES * 12)

/* What a view is made from: the session as the store holds it, and what only this process knows. */
struct view_source {
    const struct session *session;
    const struct session *live; /* as it is on a visit, or NULL */
    const struct relay *relay;  /* or NULL */
    bool leased;                /* elsewhere */
};

/* ---- keys that are computed: wormhole/session_attributes.def ---- */

#define KEY(name)                                                                                  \
    static void write_##name(struct writer *writer, const char *key,                               \
                             const struct view_source *source)

static void write_time(struct writer *writer, const char *key, int64_t time, int64_t none)
{
    if (time == none)
        writer_nil(writer, key);
    else
        writer_number(writer, key, time);
}

KEY(id)
{
    char text[SESSION_ID_TEXT];
    session_id_text(source->session->id, text);
    writer_text(writer, key, text);
}

KEY(state)
{
    writer_text(writer, key, session_state_name(source->session->state));
}

KEY(result)
{
    writer_text(writer, key, session_result_name(source->session->result));
}

KEY(code)
{
    writer_text(writer, key, session_code(source->session));
}

KEY(nameplate)
{
    writer_text(writer, key, nameplate_state_name(source->session->nameplate));
}

static bool has_verifier(const struct session *session)
{
    return !sodium_is_zero(session->verifier, KEY_BYTES);
}

/* Where the code is from, somebody waits, as a rule. */
KEY(nobody_there)
{
    const struct session *session = source->session;
    bool looked = session->last_visit != 0 ||
                  (source->live != NULL && session_connection(source->live) == CONNECTION_HELD);
    writer_flag(writer, key, session->code_given && session->state == SESSION_WAITING && looked);
}

KEY(verifier)
{
    char hex[2 * KEY_BYTES + 1];
    sodium_bin2hex(hex, sizeof(hex), source->session->verifier, KEY_BYTES);
    writer_text(writer, key, has_verifier(source->session) ? hex : NULL);
}

/* "aardvark adroitness absurd …": following PGP, the first word has two syllables and the next has
 * three; codes begin with the other list. */
static void format_words(const uint8_t verifier[KEY_BYTES], char ret_text[VERIFIER_WORDS_SIZE])
{
    size_t used = 0;
    for (unsigned i = 0; i < KEY_BYTES; i++)
        used += (size_t)snprintf(ret_text + used, VERIFIER_WORDS_SIZE - used, "%s%s",
                                 i > 0 ? " " : "", words_pick(i + 1, verifier[i]));
}

KEY(verifier_words)
{
    char words[VERIFIER_WORDS_SIZE];
    format_words(source->session->verifier, words);
    writer_text(writer, key, has_verifier(source->session) ? words : NULL);
}

KEY(verification)
{
    writer_text(writer, key, verification_name(source->session->verification));
}

KEY(app_versions)
{
    const char *version = source->session->version;
    struct payload_abilities abilities;
    char *ours = payload_read_version((const uint8_t *)version, strlen(version), &abilities);
    writer_text(writer, key, ours);
    free(ours);
}

KEY(lasting)
{
    writer_flag(writer, key, session_lasting(source->session));
}

KEY(last_news)
{
    bool met = source->session->peer_versions != NULL;
    write_time(writer, key, met ? source->session->last_activity : INT64_MAX, INT64_MAX);
}

KEY(deadline)
{
    int64_t deadline = session_deadline(source->session);
    if (deadline == INT64_MAX)
        writer_nil(writer, key);
    else
        writer_number(writer, key, deadline);
}

KEY(expire)
{
    writer_number(writer, key, session_expire(source->session));
}

KEY(schedule)
{
    char text[SCHEDULE_TEXT_MAX];
    schedule_format(&source->session->schedule, text);
    writer_text(writer, key, text);
}

KEY(connection)
{
    enum session_connection connection =
        source->live != NULL ? session_connection(source->live) : CONNECTION_NONE;
    writer_text(writer, key, session_connection_name(connection));
}

KEY(last_visit)
{
    write_time(writer, key, source->session->last_visit, 0);
}

/* An ended session wakes to be forgotten, an exported one to end; neither wakes to visit. */
KEY(next_visit)
{
    const struct session *session = source->session;
    write_time(writer, key, session->state >= SESSION_CLOSED ? INT64_MAX : session->wake,
               INT64_MAX);
}

/* Rows of messages that arrived ahead of a missing one cannot be read yet. */
KEY(unread)
{
    writer_number(writer, key, source->session->received - source->session->acked);
}

/* Only another wormholed sends receipts. */
static void write_receipt(struct writer *writer, const char *key, const struct session *session,
                          uint32_t count)
{
    if (session->peer_receipts)
        writer_number(writer, key, count);
    else
        writer_nil(writer, key);
}

KEY(delivered)
{
    write_receipt(writer, key, source->session, source->session->delivered);
}

KEY(read)
{
    write_receipt(writer, key, source->session, source->session->read);
}

KEY(inbox_messages)
{
    uint32_t most = source->session->inbox_messages;
    writer_unsigned(writer, key, most > 0 ? most : SESSION_INBOX_MAX);
}

KEY(inbox_bytes)
{
    uint64_t most = source->session->inbox_bytes;
    writer_unsigned(writer, key, most > 0 ? most : SESSION_INBOX_BYTES_MAX);
}

KEY(paused)
{
    writer_flag(writer, key,
                source->session->inbox_full && source->session->state < SESSION_CLOSING);
}

KEY(leased)
{
    writer_flag(writer, key, source->leased);
}

KEY(retention)
{
    writer_text(writer, key, session_retention_text(source->session));
}

KEY(motd)
{
    writer_text(writer, key, source->relay != NULL ? source->relay->motd : NULL);
}

KEY(relay_error)
{
    writer_text(writer, key, source->relay != NULL ? source->relay->error : NULL);
}

KEY(relay_down)
{
    writer_flag(writer, key, source->relay != NULL && source->relay->state == RELAY_DOWN);
}

KEY(relay_failure)
{
    writer_text(writer, key,
                source->relay != NULL ? relay_trouble(source->relay, clock_now()) : NULL);
}

/* The URLs of some of its relays. */
static void write_relays(struct writer *writer, const char *key, char *const *urls, int count)
{
    char text[SESSION_ROUTE_SLOTS * (RELAY_MAX + 1)], *at = text;
    for (int i = 0; i < count; i++)
        if (urls[i] != NULL)
            at += sprintf(at, "%s%s", at > text ? " " : "", urls[i]);
    writer_text(writer, key, at > text ? text : NULL);
}

KEY(routes)
{
    const struct session *session = source->session;
    if (session->routes_version > 0)
        write_relays(writer, key, session->route_urls, SESSION_ROUTES_MAX);
    else
        writer_text(writer, key, session->relay);
}

KEY(leaving)
{
    write_relays(writer, key, source->session->route_urls + SESSION_ROUTES_MAX,
                 SESSION_ROUTE_SLOTS - SESSION_ROUTES_MAX);
}

/* ---- keys that are shown as stored ---- */

static void show_STRING(struct writer *writer, const char *key, const void *place)
{
    writer_text(writer, key, *(char *const *)place);
}

static void show_SIGNED(struct writer *writer, const char *key, const void *place)
{
    writer_number(writer, key, *(const int64_t *)place);
}

static void show_UNSIGNED(struct writer *writer, const char *key, const void *place)
{
    writer_unsigned(writer, key, *(const uint64_t *)place);
}

static void show_COUNT(struct writer *writer, const char *key, const void *place)
{
    writer_number(writer, key, *(const uint32_t *)place);
}

static void show_BOOL(struct writer *writer, const char *key, const void *place)
{
    writer_flag(writer, key, *(const bool *)place);
}

static const struct view_key {
    const char *name;
    void (*write)(struct writer *writer, const char *key, const struct view_source *source);
    /* Used where `write` is NULL: */
    void (*show)(struct writer *writer, const char *key, const void *place);
    size_t offset;
} view_keys[] = {
#define SESSION_SHOWN(tag, type, required, least, limit, member, exported, shown, meaning)         \
    {#member, NULL, show_##type, offsetof(struct session, member)},
#define SESSION_COMPUTED(key, shown, meaning) {#key, write_##key, NULL, 0},
#include "wormhole/session_attributes.def"
};

void view_write(struct writer *writer, const char *key, const struct session *session,
                const struct ipc_call *call)
{
    const struct rpc *rpc = call->rpc;
    const struct view_source source = {
        .session = session,
        .live = session->visit != NULL ? session : turn_active(rpc->turns, session->id),
        .relay = relays_find(rpc->relays, session->relay),
        .leased = leases_elsewhere(rpc->leases, session, call->client),
    };
    writer_map(writer, key);
    for (size_t i = 0; i < sizeof(view_keys) / sizeof(view_keys[0]); i++) {
        const struct view_key *row = &view_keys[i];
        if (row->write != NULL)
            row->write(writer, row->name, &source);
        else
            row->show(writer, row->name, (const char *)session + row->offset);
    }
    writer_end(writer);
}
