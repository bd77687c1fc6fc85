#include "config.h"

#include "daemon/view.h"

#include <sodium.h>

#include "daemon/relays.h"
#include "daemon/rpc.h"
#include "daemon/turn.h"
#include "ipc/writer.h"
#include "wormhole/session.h"

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
    writer_text(writer, "code", session->code);
    writer_text(writer, "nameplate", nameplate_state_name(session->nameplate));
    writer_text(writer, "peer_versions", session->peer_versions);
    char verifier[2 * KEY_BYTES + 1];
    sodium_bin2hex(verifier, sizeof verifier, session->verifier, KEY_BYTES);
    writer_text(writer, "verifier", sodium_is_zero(session->verifier, KEY_BYTES) ? NULL : verifier);
}

static void write_messages(struct writer *writer, const struct session *session)
{
    writer_number(writer, "sent", session->sent);
    writer_number(writer, "stored", session->stored);
    writer_number(writer, "received", session->received);
    /* Rows of messages that came ahead of a missing one cannot be read yet. */
    writer_number(writer, "unread", session->received - session->acked);
}

/* `live` is the session as it is on a visit, or NULL. */
static void write_visits(struct writer *writer, const struct session *session,
                         const struct session *live)
{
    enum session_connection connection = live ? session_connection(live) : CONNECTION_NONE;
    writer_text(writer, "connection", session_connection_name(connection));
    write_time(writer, "last_visit", session->last_visit, 0);
    /* An ended session wakes to be forgotten, not to visit. */
    write_time(writer, "next_visit", session->state == SESSION_CLOSED ? INT64_MAX : session->wake,
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
    write_messages(writer, session);
    write_visits(writer, session, session->visit ? session : turn_active(rpc->turns, session->id));
    write_relay(writer, session, relays_find(rpc->relays, session->relay));
    writer_end(writer);
}
