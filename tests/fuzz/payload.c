/* What a peer says, each way that it is read: pake, version, receipts, the names of phases. */
#include "config.h"

#include "tests/fuzz/fuzz.h"

#include "base/bounded_json.h"
#include "wormhole/payload.h"

#include <stdlib.h>
#include <string.h>

#define CODE "4-purple-sausages"

static void finish(const uint8_t *theirs, size_t length)
{
    static const uint8_t random[PAKE_RANDOM_BYTES] = {7};
    uint8_t scalar[PAKE_SCALAR_BYTES], ours[PAKE_MESSAGE_BYTES], key[PAKE_KEY_BYTES];

    FUZZ_HOLDS(pake_start(CODE, random, scalar, ours));
    enum pake_fault fault =
        pake_finish(CODE, "example.com/test", scalar, ours, theirs, length, key);

    FUZZ_HOLDS(strlen(pake_fault_text(fault)) > 0 || fault == PAKE_OK);
    FUZZ_HOLDS(length == PAKE_MESSAGE_BYTES || fault == PAKE_MALFORMED);
}

static void read_pake(const uint8_t *body, size_t length)
{
    uint8_t message[PAKE_MESSAGE_BYTES];
    size_t message_length = SIZE_MAX;

    if (payload_read_pake(body, length, message, &message_length) != PAYLOAD_OK)
        return;
    FUZZ_HOLDS(message_length <= sizeof(message));
    uint8_t *theirs = fuzz_copy((struct fuzz_input){message, message_length});

    finish(theirs, message_length);
    free(theirs);
}

/* Whatever comes, something is kept that can be stored, printed, and said again. (DEL stays as it
 * is: a terminal that prints it does nothing.) */
static void read_version(const uint8_t *plain, size_t length)
{
    struct payload_abilities abilities, theirs;
    char *versions = payload_read_version(plain, length, &theirs);

    FUZZ_HOLDS(versions != NULL && strlen(versions) <= PAYLOAD_VERSIONS_MAX);
    for (const uint8_t *at = (const uint8_t *)versions; *at != 0; at++)
        FUZZ_HOLDS(*at >= ' ' && *at <= '\x7f');
    char *ours = payload_version(versions, theirs.can_last ? &theirs.lasting : NULL);

    FUZZ_HOLDS(ours != NULL);
    char *again = payload_read_version((const uint8_t *)ours, strlen(ours), &abilities);

    FUZZ_HOLDS(again != NULL && strcmp(again, versions) == 0 && abilities.receipts);
    FUZZ_HOLDS(abilities.can_last == theirs.can_last);
    FUZZ_HOLDS(!theirs.can_last ||
               memcmp(abilities.lasting.public, theirs.lasting.public, EPOCH_PUBLIC_BYTES) == 0);
    FUZZ_HOLDS(!theirs.can_last || abilities.lasting.expire == theirs.lasting.expire);
    free(again);
    free(ours);
    free(versions);
}

static void read_receipt(const uint8_t *plain, size_t length)
{
    char text[PAYLOAD_RECEIPT_TEXT], text_again[PAYLOAD_RECEIPT_TEXT];
    struct payload_receipt receipt, again;

    if (payload_read_receipt(plain, length, &receipt) != PAYLOAD_OK)
        return;
    strcpy(receipt.bye_result, "happy"); /* ours is a word of our own */
    payload_receipt_text(&receipt, text);
    FUZZ_HOLDS(payload_read_receipt((const uint8_t *)text, strlen(text), &again) == PAYLOAD_OK);
    payload_receipt_text(&again, text_again);
    FUZZ_HOLDS(strcmp(text, text_again) == 0);
}

static void read_text(struct fuzz_input input)
{
    char *text = fuzz_text(input), name[11], phase[PAYLOAD_RECEIPT_PHASE_TEXT];
    uint32_t number;

    if (payload_phase_number(text, &number)) {
        payload_phase_name(number, name);
        FUZZ_HOLDS(strcmp(name, text) == 0);
    }
    if (payload_receipt_number(text, &number)) {
        payload_receipt_phase(number, phase);
        FUZZ_HOLDS(strcmp(phase, text) == 0);
    }
    free(payload_version(text, NULL));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    uint8_t *copy = fuzz_copy((struct fuzz_input){data, length});

    read_pake(copy, length);
    read_version(copy, length);
    read_receipt(copy, length);
    read_text((struct fuzz_input){data, length});
    free(copy);
    return 0;
}
