#include "config.h"

#include "daemon/status_line.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "daemon/turn.h"
#include "service/notify.h"
#include "state/store.h"

/* How long changes are collected: the line is for people, and updating it costs others work. */
#define PAUSE_SECONDS 1
/* Rows to look at: beyond this the exact number does not matter. */
#define DUE_MAX 1000

struct status_line {
    struct kv *store;
    struct turns *turns;
    struct event *timer;
    char said[STATUS_LINE_SIZE];
};

void status_line_format(uint64_t sessions, unsigned due, char ret_line[STATUS_LINE_SIZE])
{
    snprintf(ret_line, STATUS_LINE_SIZE, "%" PRIu64 " session%s, %u%s due", sessions,
             sessions == 1 ? "" : "s", due, due < DUE_MAX ? "" : "+");
}

/* Sessions that have a connection keep their row meanwhile, but are no longer due. */
static unsigned count_due(struct status_line *line, struct kv_txn *txn)
{
    struct store_due place = {.wake = INT64_MIN};
    int64_t now = clock_now();
    unsigned due = 0;
    for (int i = 0; i < DUE_MAX; i++) {
        if (store_next_due(txn, &place) != KV_OK || place.wake > now)
            return due;
        due += turn_active(line->turns, place.id) == NULL;
    }
    return due;
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
    struct status_line *line = arg;
    char text[STATUS_LINE_SIZE];
    (void)fd;
    (void)what;
    struct kv_txn *txn = kv_read(line->store);
    status_line_format(store_count(txn), count_due(line, txn), text);
    kv_end(txn);
    if (strcmp(text, line->said) == 0)
        return;
    strcpy(line->said, text);
    notify_status(text);
}

struct status_line *status_line_new(struct event_base *base, struct kv *store, struct turns *turns)
{
    static const struct timeval at_once = {0, 0};
    struct status_line *line = calloc(1, sizeof(*line));
    if (line == NULL)
        return NULL;
    *line = (struct status_line){.store = store, .turns = turns};
    line->timer = evtimer_new(base, on_time, line);
    if (line->timer == NULL || (notify_is_heard() && event_add(line->timer, &at_once) < 0)) {
        status_line_free(line);
        return NULL;
    }
    return line;
}

void status_line_free(struct status_line *line)
{
    if (line == NULL)
        return;
    if (line->timer != NULL)
        event_free(line->timer);
    free(line);
}

void status_line_look(struct status_line *line)
{
    static const struct timeval pause = {PAUSE_SECONDS, 0};
    if (notify_is_heard() && !evtimer_pending(line->timer, NULL))
        evtimer_add(line->timer, &pause);
}
