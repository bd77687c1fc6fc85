/* Stored records: what can be read can be written, and then says the same; and the session goes on.
 */
#include "config.h"

#include "tests/fuzz/fuzz.h"

#include "state/record.h"
#include "wormhole/session.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t id[SESSION_ID_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8};

static void check_same(const struct session *session)
{
    struct kv_record first = {0}, second = {0};
    struct session *again;

    FUZZ_HOLDS(session_record_encode(session, &first) == KV_OK &&
               first.length <= SESSION_RECORD_MAX);
    FUZZ_HOLDS(session_record_decode(id, first.data, first.length, &again) == KV_OK);
    FUZZ_HOLDS(session_record_encode(again, &second) == KV_OK);
    FUZZ_HOLDS(first.length == second.length && memcmp(first.data, second.data, first.length) == 0);
    kv_record_clear(&first);
    kv_record_clear(&second);
    session_free(again);
}

static void look(const struct session *session)
{
    char text[SCHEDULE_TEXT_MAX];

    FUZZ_HOLDS(session_state_name(session->state) != NULL);
    session_result_name(session->result);
    FUZZ_HOLDS(nameplate_state_name(session->nameplate) != NULL);
    FUZZ_HOLDS(session_retention_text(session) != NULL);
    schedule_format(&session->schedule, text);
}

/* A broken disk can give a record that no session ever was. It must not break the daemon. */
static void go_on(struct session *session)
{
    uint64_t seed = 1;
    struct outcome outcome = {0};
    struct session_context context = {
        .now = 1700000000000, .random = fuzz_random, .random_arg = &seed, .keep = 3600000};

    session_deadline(session);
    session_step(session, &(struct session_event){.type = EVENT_WAKE}, &context, &outcome);
    outcome_clear(&outcome);
    session_step(session, &(struct session_event){.type = EVENT_LOST, .text = "lost"}, &context,
                 &outcome);
    outcome_clear(&outcome);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    uint8_t *copy = fuzz_copy((struct fuzz_input){data, length});
    struct session *session;

    if (session_record_decode(id, copy, length, &session) == KV_OK) {
        check_same(session);
        look(session);
        go_on(session);
        check_same(session);
        session_free(session);
    }
    free(copy);
    return 0;
}
