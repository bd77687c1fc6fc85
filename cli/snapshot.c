#include "config.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cli/report.h"
#include "cli/snapshot.h"

/* ---- taking it ---- */

struct snapshot snapshot_take(const struct wormclient_session *session)
{
    struct snapshot snapshot = {.forgotten = true};
    const struct wormclient_value *view;
    const char *name;

    if (session == NULL)
        return snapshot;
    view = wormclient_session_view(session);
    name = wormclient_session_name(session);
    snapshot = (struct snapshot){
        .change = (int64_t)wormclient_session_change(session),
        .code = wormclient_session_code(session) != NULL,
        .keyed = wormclient_session_verifier(session) != NULL,
        .established = wormclient_session_was_established(session),
        .verified = report_is(view, "verification", "done"),
        .paused = wormclient_value_flag(view, "paused", false),
        .copied = wormclient_value_flag(view, "copied", false),
        .exported = report_is(view, "state", "exported"),
        .ended = wormclient_session_result(session) != NULL,
        .received = wormclient_session_received(session),
        .unread = wormclient_session_unread(session),
        .sent = wormclient_session_sent(session),
        .stored = wormclient_session_stored(session),
        .delivered = wormclient_session_delivered(session),
        .read = wormclient_session_read(session),
    };
    /* No receipts: as if nothing had been delivered or read. */
    if (snapshot.delivered < 0)
        snapshot.delivered = 0;
    if (snapshot.read < 0)
        snapshot.read = 0;
    snprintf(snapshot.name, sizeof(snapshot.name), "%s", name != NULL ? name : "");
    return snapshot;
}

/* ---- comparing two ---- */

/* Compares the member at `offset` of both. */
typedef bool (*snapshot_rule)(const void *before, const void *now);

static bool became_true(const void *before, const void *now)
{
    return !*(const bool *)before && *(const bool *)now;
}

static bool became_more(const void *before, const void *now)
{
    return *(const int64_t *)now > *(const int64_t *)before;
}

static bool became_another(const void *before, const void *now)
{
    return strcmp(before, now) != 0;
}

#define MEMBER(name) offsetof(struct snapshot, name)

static const struct snapshot_event_row {
    const char *word;
    snapshot_rule happened;
    size_t offset;
} events[SNAPSHOT_EVENTS] = {
    [SNAPSHOT_CODE] = {"code", became_true, MEMBER(code)},
    [SNAPSHOT_KEYED] = {"keyed", became_true, MEMBER(keyed)},
    [SNAPSHOT_ESTABLISHED] = {"established", became_true, MEMBER(established)},
    [SNAPSHOT_VERIFIED] = {"verified", became_true, MEMBER(verified)},
    [SNAPSHOT_MESSAGE] = {"message", became_more, MEMBER(received)},
    [SNAPSHOT_SENT] = {"sent", became_more, MEMBER(sent)},
    [SNAPSHOT_STORED] = {"stored", became_more, MEMBER(stored)},
    [SNAPSHOT_DELIVERED] = {"delivered", became_more, MEMBER(delivered)},
    [SNAPSHOT_READ] = {"read", became_more, MEMBER(read)},
    [SNAPSHOT_PAUSED] = {"paused", became_true, MEMBER(paused)},
    [SNAPSHOT_COPIED] = {"copied", became_true, MEMBER(copied)},
    [SNAPSHOT_RENAMED] = {"renamed", became_another, MEMBER(name)},
    [SNAPSHOT_EXPORTED] = {"exported", became_true, MEMBER(exported)},
    [SNAPSHOT_ENDED] = {"ended", became_true, MEMBER(ended)},
    [SNAPSHOT_FORGOTTEN] = {"forgotten", became_true, MEMBER(forgotten)},
};

const char *snapshot_word(enum snapshot_event event)
{
    return events[event].word;
}

static bool read_event(const char *word, size_t length, uint32_t *events_read)
{
    for (unsigned i = 0; i < SNAPSHOT_EVENTS; i++) {
        if (strncmp(events[i].word, word, length) == 0 && events[i].word[length] == '\0') {
            *events_read |= UINT32_C(1) << i;
            return true;
        }
    }
    return false;
}

bool snapshot_read_events(const char *words, uint32_t *ret_events, const char **ret_wrong)
{
    uint32_t read = 0;

    for (;;) {
        size_t length = strcspn(words, ",");

        if (!read_event(words, length, &read)) {
            *ret_wrong = words;
            return false;
        }
        if (words[length] == '\0')
            break;
        words += length + 1;
    }
    *ret_events = read;
    return true;
}

uint32_t snapshot_compare(const struct snapshot *before, const struct snapshot *now)
{
    struct snapshot first = {0}, second = *now;
    uint32_t happened = 0;

    if (before != NULL) {
        first = *before;
    } else { /* a session of the same name to which nothing happened but messages that were read */
        memcpy(first.name, now->name, sizeof(first.name));
        first.received = now->received - now->unread;
    }
    if (now->forgotten) { /* nothing else is known of it */
        second = first;
        second.forgotten = true;
    }
    for (unsigned i = 0; i < SNAPSHOT_EVENTS; i++)
        if (events[i].happened((const char *)&first + events[i].offset,
                               (const char *)&second + events[i].offset))
            happened |= UINT32_C(1) << i;
    return happened;
}

int64_t snapshot_new_messages(const struct snapshot *before, const struct snapshot *now)
{
    return before != NULL ? now->received - before->received : now->unread;
}
