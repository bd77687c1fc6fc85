#include "config.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cli/snapshot.h"

/* ---- taking it ---- */

static bool is_text(const struct wormclient_value *view, const char *key, const char *wanted)
{
    const char *text = wormclient_value_text(view, key);

    return text != NULL && strcmp(text, wanted) == 0;
}

/* It was, even if it has ended since: what only a proven peer could have caused is there. */
static bool was_established(const struct wormclient_value *view)
{
    return is_text(view, "state", "established") || is_text(view, "result", "happy") ||
           wormclient_value_text(view, "peer_versions") != NULL ||
           wormclient_value_number(view, "received", 0) > 0;
}

struct snapshot snapshot_take(const struct wormclient_value *view)
{
    const char *name = wormclient_value_text(view, "name");
    struct snapshot snapshot = {
        .change = wormclient_value_number(view, "change", 0),
        .code = wormclient_value_text(view, "code") != NULL,
        .keyed = wormclient_value_text(view, "verifier") != NULL,
        .established = was_established(view),
        .verified = is_text(view, "verification", "done"),
        .paused = wormclient_value_flag(view, "paused", false),
        .exported = is_text(view, "state", "exported"),
        .ended = wormclient_value_text(view, "result") != NULL,
        .forgotten = view == NULL,
        .received = wormclient_value_number(view, "received", 0),
        .unread = wormclient_value_number(view, "unread", 0),
        .sent = wormclient_value_number(view, "sent", 0),
        .stored = wormclient_value_number(view, "stored", 0),
        .delivered = wormclient_value_number(view, "delivered", 0),
        .read = wormclient_value_number(view, "read", 0),
    };

    snprintf(snapshot.name, sizeof(snapshot.name), "%s", name != NULL ? name : "");
    return snapshot;
}

/* ---- comparing two ---- */

/* Each is told from the member at `offset` of both. */
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
    [SNAPSHOT_RENAMED] = {"renamed", became_another, MEMBER(name)},
    [SNAPSHOT_EXPORTED] = {"exported", became_true, MEMBER(exported)},
    [SNAPSHOT_ENDED] = {"ended", became_true, MEMBER(ended)},
    [SNAPSHOT_FORGOTTEN] = {"forgotten", became_true, MEMBER(forgotten)},
};

const char *snapshot_word(enum snapshot_event event)
{
    return events[event].word;
}

/* A session of the same name to which nothing happened, but that messages came and were read. */
static struct snapshot blank_before(const struct snapshot *now)
{
    struct snapshot blank = {.received = now->received - now->unread};

    memcpy(blank.name, now->name, sizeof(blank.name));
    return blank;
}

/* Of a forgotten session only that is known. */
static struct snapshot last_known(const struct snapshot *before)
{
    struct snapshot last = *before;

    last.forgotten = true;
    return last;
}

uint32_t snapshot_compare(const struct snapshot *before, const struct snapshot *now)
{
    struct snapshot first = before != NULL ? *before : blank_before(now);
    struct snapshot second = now->forgotten ? last_known(&first) : *now;
    uint32_t happened = 0;

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
