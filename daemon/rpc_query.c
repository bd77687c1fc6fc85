/* list, show, log, changes, subscribe: reading the store, and being told when to read it again. */
#include "config.h"

#include "daemon/rpc.h"

#include "daemon/turn.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "daemon/subscribers.h"
#include "daemon/validate.h"
#include "daemon/view.h"
#include "service/log.h"
#include "state/store.h"

/* ---- list ---- */

/* A record that cannot be read stays where it is, but is left out of the list. */
static void write_session(struct writer *writer, const struct ipc_call *call, struct kv_txn *txn,
                          const uint8_t id[SESSION_ID_BYTES])
{
    struct session *session;
    enum kv_status status = store_get_session(txn, id, &session);
    if (status == KV_OK) {
        view_write(writer, NULL, session, call);
        session_free(session);
    } else {
        char name[SESSION_ID_TEXT];
        session_id_text(id, name);
        log_error("store", "session %s: %s", name, kv_status_text(status));
    }
}

void rpc_list(struct ipc_call *call, const struct ipc_params *params)
{
    struct kv_txn *txn = kv_read(call->rpc->store);
    struct writer writer;
    uint8_t id[SESSION_ID_BYTES], last[SESSION_ID_BYTES];
    bool begun = params->after != NULL && validate_id(params->after, last), more;
    int64_t limit = params->limit;
    char next[SESSION_ID_TEXT];
    ipc_call_begin(call, &writer);
    writer_map(&writer, NULL);
    writer_array(&writer, "sessions");
    while ((more = (store_next_id(txn, begun ? last : NULL, id) == KV_OK)) && limit-- > 0) {
        write_session(&writer, call, txn, id);
        memcpy(last, id, SESSION_ID_BYTES);
        begun = true;
    }
    writer_end(&writer);
    if (more)
        session_id_text(last, next);
    writer_text(&writer, "next", more ? next : NULL);
    writer_end(&writer);
    rpc_finish_read(call, txn, &writer);
}

/* ---- show ---- */

void rpc_show(struct ipc_call *call, const struct ipc_params *params)
{
    struct kv_txn *txn = kv_read(call->rpc->store);
    struct session *session = rpc_get_session(call, txn, params->session);
    if (session != NULL)
        rpc_answer_view(call, session);
    session_free(session);
    kv_end(txn);
}

/* ---- log ---- */

static void write_event(struct writer *writer, const struct journal_entry *entry)
{
    char text[JOURNAL_SENTENCE_MAX], sentence[JOURNAL_SENTENCE_MAX];
    size_t length = entry->text_length < sizeof(text) ? entry->text_length : sizeof(text) - 1;
    snprintf(text, sizeof(text), "%.*s", (int)utf8_span(entry->text, length), entry->text);
    journal_sentence(entry, sentence);
    writer_map(writer, NULL);
    writer_text(writer, "event", journal_event_name(entry->event));
    writer_number(writer, "first", entry->first);
    writer_number(writer, "last", entry->last);
    writer_number(writer, "times", entry->times);
    writer_number(writer, "number", entry->number);
    writer_text(writer, "text", text[0] == '\0' ? NULL : text);
    writer_text(writer, "sentence", sentence);
    writer_end(writer);
}

/* The newest `limit` of them. */
static void write_events(struct writer *writer, const struct journal *journal, int64_t limit)
{
    struct journal_reader reader;
    struct journal_entry entry;
    int64_t count = 0;
    writer_number(writer, "dropped", journal_read(journal, &reader));
    while (journal_next(&reader, &entry))
        count++;
    writer_array(writer, "events");
    journal_read(journal, &reader);
    for (int64_t i = 0; journal_next(&reader, &entry); i++)
        if (i >= count - limit)
            write_event(writer, &entry);
    writer_end(writer);
}

void rpc_log(struct ipc_call *call, const struct ipc_params *params)
{
    struct kv_txn *txn = kv_read(call->rpc->store);
    struct session *session = rpc_get_session(call, txn, params->session);
    struct writer writer;
    if (session == NULL) {
        kv_end(txn);
        return;
    }
    ipc_call_begin(call, &writer);
    writer_map(&writer, NULL);
    rpc_write_session(call, &writer);
    write_events(&writer, &session->journal, params->limit);
    writer_end(&writer);
    session_free(session);
    rpc_finish_read(call, txn, &writer);
}

/* ---- changes ---- */

void rpc_changes(struct ipc_call *call, const struct ipc_params *params)
{
    uint64_t since = (uint64_t)params->since;
    int64_t limit = params->limit;
    struct kv_txn *txn = kv_read(call->rpc->store);
    struct writer writer;
    uint8_t id[SESSION_ID_BYTES];
    char text[SESSION_ID_TEXT];
    ipc_call_begin(call, &writer);
    writer_map(&writer, NULL);
    writer_array(&writer, "changes");
    while (limit-- > 0 && store_next_change(txn, since, &since, id) == KV_OK) {
        session_id_text(id, text);
        writer_map(&writer, NULL);
        writer_unsigned(&writer, "change", since);
        writer_text(&writer, "session", text);
        writer_end(&writer);
    }
    writer_end(&writer);
    writer_unsigned(&writer, "change", store_last_change(txn));
    writer_end(&writer);
    rpc_finish_read(call, txn, &writer);
}

/* ---- subscribe ---- */

void rpc_subscribe(struct ipc_call *call, const struct ipc_params *params)
{
    const char *text = params->session;
    struct kv_txn *txn = kv_read(call->rpc->store);
    if (text != NULL && !rpc_find_in(call, txn, text)) {
        kv_end(txn);
        return;
    }
    /* Who waits for a session wants it now. If it has ended, nothing comes of that. */
    if (text != NULL && params->hold &&
        !turn_event(call->rpc->turns, call->session, &(struct session_event){.type = EVENT_POLL},
                    NULL, NULL)) {
        kv_end(txn);
        rpc_refuse_memory(call);
        return;
    }
    uint64_t change = store_last_change(txn);
    subscribers_set(call->rpc->subscribers, &call->client->subscription,
                    text != NULL ? call->session : NULL, params->hold, change);
    log_debug("rpc", "a client waits for %s", text != NULL ? "a session" : "any session");
    struct writer writer;
    ipc_call_begin(call, &writer);
    writer_map(&writer, NULL);
    writer_unsigned(&writer, "change", change);
    writer_end(&writer);
    rpc_finish_read(call, txn, &writer);
}
