#include "config.h"

#include "wormhole/payload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <sodium.h>

#include "base/bounded_json.h"

/* Longest pake and version payloads that are parsed. A pake has 81 bytes; a version payload holds
 * app_versions and whatever later protocols add. */
#define PAKE_BODY_MAX    4096
#define VERSION_BODY_MAX 65536

#define RECEIPT_BODY_MAX 4096 /* two numbers, and whatever later versions add */

#define PHASE_NUMBER_MAX (UINT32_MAX - 1)

/* Our own entry in `abilities`, and the prefix of the phases that it permits. */
#define RECEIPTS_ABILITY "wormholed-receipts-v1"
#define RECEIPT_PHASE    "wormholed-receipt-"

/* Takes ownership of the object. NULL in, NULL out. */
static char *take_text(json_t *object)
{
    char *text = object != NULL ? bounded_json_text(object, JSON_COMPACT) : NULL;

    json_decref(object);
    return text;
}

/* ---- pake ---- */

char *payload_pake(const uint8_t message[PAKE_MESSAGE_BYTES])
{
    char hex[2 * PAKE_MESSAGE_BYTES + 1];

    sodium_bin2hex(hex, sizeof(hex), message, PAKE_MESSAGE_BYTES);
    return take_text(json_pack("{s:s}", "pake_v1", hex));
}

static bool decode_pake(const json_t *hex, uint8_t ret_message[PAKE_MESSAGE_BYTES],
                        size_t *ret_length)
{
    uint8_t message[PAKE_MESSAGE_BYTES];
    size_t length;

    if (!json_is_string(hex) || sodium_hex2bin(message, sizeof(message), json_string_value(hex),
                                               json_string_length(hex), NULL, &length, NULL) != 0)
        return false;
    memcpy(ret_message, message, length);
    *ret_length = length;
    return true;
}

static const enum payload_fault faults[] = {
    [BOUNDED_JSON_OK] = PAYLOAD_OK,
    [BOUNDED_JSON_REFUSED] = PAYLOAD_MALFORMED,
    [BOUNDED_JSON_NO_MEMORY] = PAYLOAD_NO_MEMORY,
};

enum payload_fault payload_read_pake(const uint8_t *body, size_t length,
                                     uint8_t ret_message[PAKE_MESSAGE_BYTES], size_t *ret_length)
{
    json_t *root;
    enum payload_fault fault;

    if (length > PAKE_BODY_MAX)
        return PAYLOAD_MALFORMED;
    fault = faults[bounded_json_load((const char *)body, length, &root)];
    if (fault != PAYLOAD_OK)
        return fault;
    if (!decode_pake(json_object_get(root, "pake_v1"), ret_message, ret_length))
        fault = PAYLOAD_MALFORMED;
    json_decref(root);
    return fault;
}

/* ---- version ---- */

/* What the JSON of some languages, as PHP's, makes of an empty object. */
static bool is_empty_array(const char *text)
{
    static const char blanks[] = " \t\r\n";

    text += strspn(text, blanks);
    if (*text != '[')
        return false;
    text += 1 + strspn(text + 1, blanks);
    return *text == ']' && text[1 + strspn(text + 1, blanks)] == '\0';
}

char *payload_version(const char *app_versions)
{
    const char *text = app_versions != NULL && !is_empty_array(app_versions) ? app_versions : "{}";
    size_t length = strlen(text);
    json_t *versions;

    if (length > PAYLOAD_VERSIONS_MAX || bounded_json_load(text, length, &versions))
        return NULL;
    return take_text(
        json_pack("{s:o, s:[s]}", "app_versions", versions, "abilities", RECEIPTS_ABILITY));
}

/* The object as text; "{}" if there is none, or it is too long. NULL when out of memory. Pure
 * ASCII, so that nothing in it can control a terminal. */
static char *short_object(json_t *object)
{
    char *text;

    if (!json_is_object(object))
        return strdup("{}");
    text = bounded_json_text(object, JSON_COMPACT | JSON_ENSURE_ASCII);
    if (text != NULL && strlen(text) > PAYLOAD_VERSIONS_MAX)
        strcpy(text, "{}");
    return text;
}

static bool announces_receipts(const json_t *abilities)
{
    size_t index;
    json_t *ability;

    json_array_foreach(abilities, index, ability)
    {
        const char *word = json_string_value(ability);

        if (word != NULL && strcmp(word, RECEIPTS_ABILITY) == 0)
            return true;
    }
    return false;
}

char *payload_read_version(const uint8_t *plain, size_t length, bool *ret_receipts)
{
    json_t *root = NULL;
    char *text;

    if (length <= VERSION_BODY_MAX &&
        bounded_json_load((const char *)plain, length, &root) == BOUNDED_JSON_NO_MEMORY)
        return NULL;
    text = short_object(json_object_get(root, "app_versions"));
    if (text != NULL)
        *ret_receipts = announces_receipts(json_object_get(root, "abilities"));
    json_decref(root);
    return text;
}

/* ---- receipts ---- */

void payload_receipt(uint32_t delivered, uint32_t read, char ret_text[PAYLOAD_RECEIPT_TEXT])
{
    snprintf(ret_text, PAYLOAD_RECEIPT_TEXT, "{\"delivered\":%" PRIu32 ",\"read\":%" PRIu32 "}",
             delivered, read);
}

static bool read_count(const json_t *count, uint32_t *ret_count)
{
    json_int_t number = json_integer_value(count);

    if (!json_is_integer(count) || number < 0)
        return false;
    *ret_count = number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
    return true;
}

enum payload_fault payload_read_receipt(const uint8_t *plain, size_t length,
                                        uint32_t *ret_delivered, uint32_t *ret_read)
{
    json_t *root;
    uint32_t delivered, read;
    enum payload_fault fault;

    if (length > RECEIPT_BODY_MAX)
        return PAYLOAD_MALFORMED;
    fault = faults[bounded_json_load((const char *)plain, length, &root)];
    if (fault != PAYLOAD_OK)
        return fault;
    if (read_count(json_object_get(root, "delivered"), &delivered) &&
        read_count(json_object_get(root, "read"), &read)) {
        *ret_delivered = delivered;
        *ret_read = read;
    } else {
        fault = PAYLOAD_MALFORMED;
    }
    json_decref(root);
    return fault;
}

/* ---- phases ---- */

bool payload_phase_number(const char *phase, uint32_t *ret_number)
{
    size_t digits = strspn(phase, "0123456789");
    unsigned long long number;

    /* Ten digits suffice for 2^32 - 2, and cannot overflow what strtoull returns. */
    if (digits == 0 || digits > 10 || phase[digits] != '\0' || (phase[0] == '0' && digits > 1))
        return false;
    number = strtoull(phase, NULL, 10);
    if (number > PHASE_NUMBER_MAX)
        return false;
    *ret_number = (uint32_t)number;
    return true;
}

void payload_phase_name(uint32_t number, char ret_phase[11])
{
    snprintf(ret_phase, 11, "%" PRIu32, number);
}

bool payload_receipt_number(const char *phase, uint32_t *ret_number)
{
    size_t length = strlen(RECEIPT_PHASE);

    return strncmp(phase, RECEIPT_PHASE, length) == 0 &&
           payload_phase_number(phase + length, ret_number);
}

void payload_receipt_phase(uint32_t number, char ret_phase[PAYLOAD_RECEIPT_PHASE_TEXT])
{
    snprintf(ret_phase, PAYLOAD_RECEIPT_PHASE_TEXT, RECEIPT_PHASE "%" PRIu32, number);
}
