/*
 * fill-store DIRECTORY COUNT [URL]: puts so many dormant sessions into a store, as a daemon leaves
 * them: each has a code, its pake is at the relay, and the next visit is a year away; with the URL
 * of a relay, it is due now, and a minute after each visit.
 */
#include "config.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "state/store.h"
#include "wormhole/session.h"

#define BATCH       1000 /* sessions in a transaction */
#define RECORD_ROOM 4096 /* bytes that a session with its index rows takes, generously */
#define YEAR_MS     (INT64_C(365) * 24 * 3600 * 1000)

static void draw(void *arg, void *buffer, size_t length)
{
    (void)arg;
    randombytes_buf(buffer, length);
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void fail(const char *why)
{
    fprintf(stderr, "fill-store: %s\n", why);
    exit(EXIT_FAILURE);
}

/* As it is after a first visit that found nobody. */
static struct session *dormant_session(unsigned long number, const struct schedule *schedule,
                                       const char *url)
{
    struct session_context context = {.now = now_ms(), .random = draw};
    char name[NAME_MAX_BYTES + 1], code[CODE_MAX + 1];
    struct session_options options = {
        .name = name,
        .appid = "example.org/bench",
        .relay = url != NULL ? url : "ws://127.0.0.1:1/v1",
        .code = code,
        .schedule = schedule,
        .timeout = 2 * YEAR_MS,
        .words = 2,
    };
    struct session *session;

    snprintf(name, sizeof(name), "dormant-%lu", number);
    snprintf(code, sizeof(code), "%lu-crossover-clockwork", number);
    session = session_new(&options, &context);
    if (session == NULL || (session->mailbox = strdup("aaaabbbbccccd")) == NULL) {
        fail("out of memory");
    }
    session->nameplate = NAMEPLATE_CLAIMED;
    session->pake_stored = true;
    session->last_visit = context.now;
    session->wake = context.now + (url != NULL ? 0 : YEAR_MS);
    return session;
}

static void write_batch(struct kv *store, unsigned long first, unsigned long end,
                        const struct schedule *schedule, const char *url)
{
    struct kv_txn *txn = kv_write(store, (end - first) * RECORD_ROOM);
    enum kv_status status;

    for (unsigned long number = first; number < end; number++) {
        struct session *session = dormant_session(number, schedule, url);

        store_put_session(txn, session, NULL);
        session_free(session);
    }
    status = kv_commit(txn);
    if (status != KV_OK) {
        fail(kv_status_text(status));
    }
}

int main(int argc, char **argv)
{
    unsigned long count = argc == 3 || argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
    const char *url = argc == 4 ? argv[3] : NULL;
    struct schedule schedule;
    struct kv *store;
    char why[512];

    if (count == 0) {
        fail("usage: fill-store DIRECTORY COUNT [URL]");
    }
    if (sodium_init() < 0 ||
        schedule_parse(url != NULL ? "0:60" : "email", &schedule) != SCHEDULE_OK) {
        fail("cannot begin");
    }
    if (store_open(argv[1], 0, &store, why, sizeof(why)) != KV_OK) {
        fail(why);
    }
    for (unsigned long first = 0; first < count; first += BATCH) {
        write_batch(store, first, first + BATCH < count ? first + BATCH : count, &schedule, url);
    }
    kv_close(store);
    return EXIT_SUCCESS;
}
