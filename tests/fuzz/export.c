/*
 * Texts that somebody gives out as exported sessions. The first byte says how the rest is meant:
 * 't' is the text itself; anything else, and the rest is the record in a text whose check is right,
 * as one who has the secrets can make it. What is taken can run, and be handed over again.
 */
#include "config.h"

#include "tests/fuzz/fuzz.h"

#include "state/export.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t id[SESSION_ID_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8};

/* It may be what no session ever was, but it must not break the daemon. */
static void run(struct session *session)
{
    uint64_t seed = 1;
    struct outcome outcome = {0};
    struct session_context context = {
        .now = 1700000000000, .random = fuzz_random, .random_arg = &seed, .keep = 3600000};
    static const enum event_type events[] = {EVENT_WAKE, EVENT_LOST, EVENT_CLOSE, EVENT_WAKE};

    session_resume(session, &context);
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        session_step(session, &(struct session_event){.type = events[i], .text = "lost"}, &context,
                     &outcome);
        FUZZ_HOLDS(!outcome.no_memory);
        outcome_clear(&outcome);
    }
}

/* Handed over again at once it gives a text that is taken, and says the same. */
static void check_again(struct session *session)
{
    struct outcome outcome = {0};
    struct session_context context = {.now = 1700000000000};
    struct session *again;
    char *text;

    FUZZ_HOLDS(session->state == SESSION_WAITING && session->change == 0);
    FUZZ_HOLDS(session->exports > 0 && session_sound(session));
    FUZZ_HOLDS(export_judge(session, NULL, session->exports, 0) != EXPORT_OK);
    FUZZ_HOLDS(session_step(session, &(struct session_event){.type = EVENT_EXPORT}, &context,
                            &outcome) == SESSION_ACCEPTED);
    outcome_clear(&outcome);
    FUZZ_HOLDS(export_write(session, &text) == EXPORT_OK);
    FUZZ_HOLDS(export_read(text, strlen(text), &again) == EXPORT_OK);
    FUZZ_HOLDS(again->exports == session->exports);
    session_free(again);
    export_free_text(text);
}

static void read_text(const char *text, size_t length)
{
    struct session *session;
    enum export_fault fault = export_read(text, length, &session);

    FUZZ_HOLDS(strlen(export_fault_text(fault)) > 0);
    if (fault != EXPORT_OK)
        return;
    check_again(session);
    run(session);
    session_free(session);
}

/* The record, in a text with the right check. New; free(). */
static char *wrap(struct fuzz_input record)
{
    static const uint8_t named[] = "wormholed-session\x01";
    size_t base64_size = sodium_base64_ENCODED_LEN(record.length, sodium_base64_VARIANT_ORIGINAL);
    char *base64 = malloc(base64_size), *text = NULL, id_text[SESSION_ID_TEXT], hex[65];
    uint8_t check[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;

    FUZZ_HOLDS(base64 != NULL);
    sodium_bin2base64(base64, base64_size, record.data, record.length,
                      sodium_base64_VARIANT_ORIGINAL);
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, named, sizeof(named) - 1);
    crypto_hash_sha256_update(&state, id, sizeof(id));
    crypto_hash_sha256_update(&state, record.data, record.length);
    crypto_hash_sha256_final(&state, check);
    sodium_bin2hex(hex, sizeof(hex), check, sizeof(check));
    session_id_text(id, id_text);
    FUZZ_HOLDS(asprintf(&text,
                        "{\"format\": \"wormholed-session\", \"version\": 1, "
                        "\"session\": \"%s\", \"record\": \"%s\", \"check\": \"%s\"}",
                        id_text, base64, hex) > 0);
    free(base64);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    struct fuzz_input input = {data, length};
    bool plain = fuzz_byte(&input) == 't';
    char *text = plain ? (char *)fuzz_copy(input) : wrap(input);

    read_text(text, plain ? input.length : strlen(text));
    free(text);
    return 0;
}
