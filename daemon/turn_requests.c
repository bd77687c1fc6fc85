/* What happens to a session in a turn: events, and how they are carried out inside its transaction.
 */
#include "config.h"

#include "daemon/turn_parts.h"

#include <string.h>

#include "daemon/relays.h"
#include "daemon/request.h"
#include "state/store.h"

/* ---- inside the transaction: what a step writes ---- */

static void write_outbox(struct turns *turns, const struct session *session,
                         const struct session_write *write)
{
    store_put_message(turns->txn, STORE_OUTBOX, session->id, write->number, write->data,
                      write->length);
}

static void write_inbox(struct turns *turns, const struct session *session,
                        const struct session_write *write)
{
    store_put_message(turns->txn, STORE_INBOX, session->id, write->number, write->data,
                      write->length);
}

static void write_inbox_forget(struct turns *turns, const struct session *session,
                               const struct session_write *write)
{
    store_delete_messages(turns->txn, STORE_INBOX, session->id, write->number);
}

static void write_outbox_forget(struct turns *turns, const struct session *session,
                                const struct session_write *write)
{
    (void)write;
    store_delete_messages(turns->txn, STORE_OUTBOX, session->id, UINT32_MAX);
}

static void write_forget(struct turns *turns, const struct session *session,
                         const struct session_write *write)
{
    (void)write;
    store_delete_session(turns->txn, session->id);
    turn_touch(turns, session->id)->deleted = true;
}

static void (*const writers[])(struct turns *, const struct session *,
                               const struct session_write *) = {
    [WRITE_OUTBOX] = write_outbox,
    [WRITE_INBOX] = write_inbox,
    [WRITE_INBOX_FORGET] = write_inbox_forget,
    [WRITE_OUTBOX_FORGET] = write_outbox_forget,
    [WRITE_FORGET] = write_forget,
};

/* ---- inside the transaction: what is asked for ---- */

/* The size of the messages that an acknowledgement removes: the session itself does not know it. */
static size_t bytes_up_to(struct turns *turns, const struct session *session, uint32_t number)
{
    size_t bytes = 0;
    for (uint32_t i = session->acked; i <= number && i < session->received; i++) {
        const uint8_t *data;
        size_t length;
        if (store_get_message(turns->txn, STORE_INBOX, session->id, i, &data, &length) == KV_OK)
            bytes += length;
    }
    return bytes;
}

/* What some events need from outside the session. */
static void complete_event(struct turns *turns, const struct session *session,
                           struct session_event *event)
{
    if (event->type == EVENT_ACK)
        event->length = bytes_up_to(turns, session, event->number);
    if (event->type == EVENT_POLL)
        relays_hurry(turns->relays, session->relay);
}

static enum turn_code run_event(struct turns *turns, struct request *request)
{
    struct touched *touched = turn_touch(turns, request->id);
    if (touched == NULL)
        return TURN_NOT_FOUND;
    struct session *session = touched->session;
    struct session_context context = turn_context(turns, session->relay);
    complete_event(turns, session, &request->event);
    request->answer.session = session;
    request->answer.refusal = session_step(session, &request->event, &context, &request->outcome);
    if (request->event.type == EVENT_SEND)
        request->answer.number = session->sent - 1;
    turns->no_memory |= request->outcome.no_memory;
    for (size_t i = 0; i < request->outcome.write_count; i++)
        writers[request->outcome.writes[i].type](turns, session, &request->outcome.writes[i]);
    return request->answer.refusal == SESSION_ACCEPTED ? TURN_DONE : TURN_REFUSED;
}

/* The new name goes into the index at once: others in this turn may want it, too. */
static enum turn_code run_rename(struct turns *turns, struct request *request)
{
    if (turn_name_taken(turns, request->event.text, request->id))
        return TURN_NAME_TAKEN;
    enum turn_code code = run_event(turns, request);
    if (code == TURN_DONE)
        turn_put(turns, turn_touch(turns, request->id));
    return code;
}

static enum turn_code run_correct_time(struct turns *turns, struct request *request)
{
    store_correct_time(turns->txn, request->event.until);
    return TURN_DONE;
}

/* ---- asking ---- */

static struct request *event_request(const uint8_t id[SESSION_ID_BYTES],
                                     const struct session_event *event)
{
    struct request *request = request_new(id);
    if (request == NULL || request_set_event(request, event))
        return request;
    request_free(request);
    return NULL;
}

bool turn_event(struct turns *turns, const uint8_t id[SESSION_ID_BYTES],
                const struct session_event *event, turn_done done, void *arg)
{
    struct request *request = event_request(id, event);
    if (request == NULL)
        return false;
    request->run = run_event;
    turn_submit(turns, request, done, arg);
    return true;
}

bool turn_rename(struct turns *turns, const uint8_t id[SESSION_ID_BYTES], const char *name,
                 turn_done done, void *arg)
{
    struct session_event event = {.type = EVENT_RENAME, .text = name};
    struct request *request = event_request(id, &event);
    if (request == NULL)
        return false;
    request->run = run_rename;
    turn_submit(turns, request, done, arg);
    return true;
}

bool turn_correct_time(struct turns *turns, int64_t now, turn_done done, void *arg)
{
    static const uint8_t nobody[SESSION_ID_BYTES];
    struct request *request = request_new(nobody);
    if (request == NULL)
        return false;
    request->event.until = now;
    request->run = run_correct_time;
    turn_submit(turns, request, done, arg);
    return true;
}

bool turn_relay_message(struct turns *turns, const uint8_t id[SESSION_ID_BYTES],
                        struct wire_message *message)
{
    struct request *request = request_new(id);
    if (request == NULL) {
        wire_free(message);
        return false;
    }
    request->relay = *message;
    memset(message, 0, sizeof(*message));
    request->event = (struct session_event){.type = EVENT_RELAY, .relay = &request->relay};
    request->run = run_event;
    turn_submit(turns, request, NULL, NULL);
    return true;
}
