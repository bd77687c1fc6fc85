#include "config.h"

#include "daemon/view.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/relays.h"
#include "daemon/rpc.h"
#include "daemon/turn.h"
#include "ipc/writer.h"
#include "wormhole/payload.h"
#include "wormhole/session.h"
#include "wormhole/words.h"

/* The longest words have 11 letters; a blank or a NUL behind each. */
#define VERIFIER_WORDS_SIZE (KEY_BYTES * 12)

static void write_id(struct writer *writer, const char *key, const uint8_t *id)
{
    char text[SESSION_ID_TEXT];
    session_id_text(id, text);
    writer_text(writer, key, text);
}

static void write_time(struct writer *writer, const char *key, int64_t time, int64_t none)
{
    if (time == none)
        writer_nil(writer, key);
    else
        writer_number(writer, key, time);
}

static void write_what_it_is(struct writer *writer, const struct session *session)
{
    write_id(writer, "id", session->id);
    writer_text(writer, "name", session->name);
    writer_text(writer, "appid", session->appid);
    writer_text(writer, "relay", session->relay);
    writer_number(writer, "created", session->created);
    writer_number(writer, "deadline", session_deadline(session));
    char schedule[SCHEDULE_TEXT_MAX];
    schedule_format(&session->schedule, schedule);
    writer_text(writer, "schedule", schedule);
    writer_unsigned(writer, "change", session->change);
}

static void write_state(struct writer *writer, const struct session *session)
{
    writer_text(writer, "state", session_state_name(session->state));
    writer_text(writer, "result", session_result_name(session->result));
    writer_text(writer, "reason", session->reason);
    writer_text(writer, "code", session_code(session));
    writer_text(writer, "nameplate", nameplate_state_name(session->nameplate));
}

/* "aardvark adroitness absurd …": as PGP has it, the first word has two syllables, the next one
 * three; codes begin with the other list. */
static void format_words(const uint8_t verifier[KEY_BYTES], char ret_text[VERIFIER_WORDS_SIZE])
{
    size_t used = 0;
    for (unsigned i = 0; i < KEY_BYTES; i++)
        used += (size_t)snprintf(ret_text + used, VERIFIER_WORDS_SIZE - used, "%s%s",
                                 i > 0 ? " " : "", words_pick(i + 1, verifier[i]));
}

static void write_verifier(struct writer *writer, const struct session *session)
{
    bool known = !sodium_is_zero(session->verifier, KEY_BYTES);
    char hex[2 * KEY_BYTES + 1], words[VERIFIER_WORDS_SIZE];
    sodium_bin2hex(hex, sizeof(hex), session->verifier, KEY_BYTES);
    format_words(session->verifier, words);
    writer_text(writer, "verifier", known ? hex : NULL);
    writer_text(writer, "verifier_words", known ? words : NULL);
    writer_text(writer, "verification", verification_name(session->verification));
}

static void write_versions(struct writer *writer, const struct session *session)
{
    bool receipts;
    char *ours = payload_read_version((const uint8_t *)session->version, strlen(session->version),
                                      &receipts);
    writer_text(writer, "app_versions", ours);
    free(ours);
    writer_text(writer, "peer_versions", session->peer_versions);
}

/* Only another wormholed tells. */
static void write_receipt(struct writer *writer, const char *key, const struct session *session,
                          uint32_t count)
{
    if (session->peer_receipts)
        writer_number(writer, key, count);
    else
        writer_nil(writer, key);
}

static void write_messages(struct writer *writer, const struct session *session)
{
    writer_number(writer, "sent", session->sent);
    writer_number(writer, "stored", session->stored);
    writer_number(writer, "received", session->received);
    /* Rows of messages that came ahead of a missing one cannot be read yet. */
    writer_number(writer, "unread", session->received - session->acked);
    write_receipt(writer, "delivered", session, session->delivered);
    write_receipt(writer, "read", session, session->read);
    writer_unsigned(writer, "inbox_messages",
                    session->inbox_messages > 0 ? session->inbox_messages : SESSION_INBOX_MAX);
    writer_unsigned(writer, "inbox_bytes",
                    session->inbox_bytes > 0 ? session->inbox_bytes : SESSION_INBOX_BYTES_MAX);
    writer_flag(writer, "paused", session->inbox_full && session->state < SESSION_CLOSING);
}

/* `live` is the session as it is on a visit, or NULL. */
static void write_visits(struct writer *writer, const struct session *session,
                         const struct session *live)
{
    enum session_connection connection = live ? session_connection(live) : CONNECTION_NONE;
    writer_text(writer, "connection", session_connection_name(connection));
    write_time(writer, "last_visit", session->last_visit, 0);
    /* An ended session wakes to be forgotten, and an exported one to end, not to visit. */
    write_time(writer, "next_visit", session->state >= SESSION_CLOSED ? INT64_MAX : session->wake,
               INT64_MAX);
    writer_number(writer, "failures", session->failures);
    writer_text(writer, "last_error", session->last_error);
    writer_number(writer, "heals", session->heals);
}

static void write_relay(struct writer *writer, const struct session *session,
                        const struct relay *relay)
{
    writer_text(writer, "retention", session_retention_text(session, relay ? relay->retention : 0));
    writer_text(writer, "motd", relay ? relay->motd : NULL);
    writer_text(writer, "relay_error", relay ? relay->error : NULL);
    writer_flag(writer, "relay_down", relay && relay->state == RELAY_DOWN);
}

void view_write(struct writer *writer, const char *key, const struct session *session,
                const struct rpc *rpc)
{
    writer_map(writer, key);
    write_what_it_is(writer, session);
    write_state(writer, session);
    write_verifier(writer, session);
    write_versions(writer, session);
    write_messages(writer, session);
    write_visits(writer, session, session->visit ? session : turn_active(rpc->turns, session->id));
    write_relay(writer, session, relays_find(rpc->relays, session->relay));
    writer_end(writer);
}
