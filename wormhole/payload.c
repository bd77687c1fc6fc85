#include "config.h"

#include "wormhole/payload.h"
#include "wormhole/session.h"

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
/* Another, and the member that has its public. */
#define LASTING_ABILITY "wormholed-lasting-v1"
#define LASTING_MEMBER  "wormholed-lasting"

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

static json_t *pack_lasting(const struct payload_lasting *lasting)
{
    char hex[2 * EPOCH_PUBLIC_BYTES + 1];

    json_t *packed, *routes = NULL;

    sodium_bin2hex(hex, sizeof(hex), lasting->public, EPOCH_PUBLIC_BYTES);
    packed = lasting->expire == 0
                 ? json_pack("{s:s}", "public", hex)
                 : json_pack("{s:s, s:I}", "public", hex, "expire", (json_int_t)lasting->expire);
    if (!lasting->routes)
        return packed;
    routes = json_array();
    for (uint32_t i = 0; i < lasting->wanted; i++)
        if (json_array_append_new(routes, json_string(lasting->urls[i])) != 0)
            goto failed;
    if (json_object_set_new(packed, "routes", routes) == 0)
        return packed;
    routes = NULL;
failed:
    json_decref(routes);
    json_decref(packed);
    return NULL;
}

static json_t *pack_version(json_t *versions, const struct payload_lasting *lasting)
{
    if (lasting == NULL)
        return json_pack("{s:o, s:[s]}", "app_versions", versions, "abilities", RECEIPTS_ABILITY);
    return json_pack("{s:o, s:[s, s], s:o}", "app_versions", versions, "abilities",
                     RECEIPTS_ABILITY, LASTING_ABILITY, LASTING_MEMBER, pack_lasting(lasting));
}

char *payload_version(const char *app_versions, const struct payload_lasting *lasting)
{
    const char *text = app_versions != NULL && !is_empty_array(app_versions) ? app_versions : "{}";
    size_t length = strlen(text);
    json_t *versions;

    if (length > PAYLOAD_VERSIONS_MAX || bounded_json_load(text, length, &versions))
        return NULL;
    return take_text(pack_version(versions, lasting));
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

static bool announces(const json_t *abilities, const char *ability)
{
    size_t index;
    json_t *entry;

    json_array_foreach(abilities, index, entry)
    {
        const char *word = json_string_value(entry);

        if (word != NULL && strcmp(word, ability) == 0)
            return true;
    }
    return false;
}

static bool read_public(const json_t *hex, uint8_t ret_public[EPOCH_PUBLIC_BYTES])
{
    uint8_t public[EPOCH_PUBLIC_BYTES];
    size_t length;

    if (!json_is_string(hex) ||
        sodium_hex2bin(public, sizeof(public), json_string_value(hex), json_string_length(hex),
                       NULL, &length, NULL) != 0 ||
        length != sizeof(public))
        return false;
    memcpy(ret_public, public, sizeof(public));
    return true;
}

static bool read_url(const json_t *value, char ret_url[PAYLOAD_ROUTE_MAX + 1])
{
    const char *url = json_string_value(value);

    if (url == NULL || !session_route_fits(url))
        return false;
    strcpy(ret_url, url);
    return true;
}

/* What is not as it should be is left out. */
static void read_wanted(const json_t *routes, struct payload_lasting *lasting)
{
    size_t index;
    json_t *value;

    lasting->routes = json_is_array(routes);
    json_array_foreach(routes, index, value)
    {
        if (lasting->wanted < PAYLOAD_ROUTES_WANTED &&
            read_url(value, lasting->urls[lasting->wanted]))
            lasting->wanted++;
    }
}

static int64_t read_expire(const json_t *value)
{
    json_int_t expire = json_integer_value(value);

    return expire >= PAYLOAD_EXPIRE_MIN && expire <= PAYLOAD_EXPIRE_MAX ? expire : 0;
}

static void read_abilities(const json_t *root, struct payload_abilities *ret_abilities)
{
    const json_t *abilities = json_object_get(root, "abilities");

    const json_t *lasting = json_object_get(root, LASTING_MEMBER);

    ret_abilities->receipts = announces(abilities, RECEIPTS_ABILITY);
    ret_abilities->can_last =
        ret_abilities->receipts && announces(abilities, LASTING_ABILITY) &&
        read_public(json_object_get(lasting, "public"), ret_abilities->lasting.public);
    ret_abilities->lasting.expire = read_expire(json_object_get(lasting, "expire"));
    read_wanted(json_object_get(lasting, "routes"), &ret_abilities->lasting);
}

char *payload_read_version(const uint8_t *plain, size_t length,
                           struct payload_abilities *ret_abilities)
{
    json_t *root = NULL;
    char *text;

    if (length <= VERSION_BODY_MAX &&
        bounded_json_load((const char *)plain, length, &root) == BOUNDED_JSON_NO_MEMORY)
        return NULL;
    text = short_object(json_object_get(root, "app_versions"));
    if (text != NULL)
        read_abilities(root, ret_abilities);
    json_decref(root);
    return text;
}

/* ---- answers to the offer of a text ---- */

/* Longest answer that is read; nobody gives a longer reason. */
#define ANSWER_MAX 65536

/* The reason that `value`, a string, gives. */
static enum payload_answer read_refusal(const json_t *value, char **ret_reason)
{
    if (!json_is_string(value))
        return PAYLOAD_ANSWER_BAD;
    *ret_reason = strdup(json_string_value(value));
    return *ret_reason != NULL ? PAYLOAD_ANSWER_REFUSED : PAYLOAD_ANSWER_NO_MEMORY;
}

/* An error outweighs anything else that a message may hold. */
static enum payload_answer read_answer(const json_t *root, char **ret_reason)
{
    const json_t *error = json_object_get(root, "error");
    const json_t *answer = json_object_get(root, "answer");
    const json_t *ack = json_object_get(answer, "message_ack");

    if (error != NULL)
        return read_refusal(error, ret_reason);
    if (json_object_get(root, "offer") != NULL)
        return PAYLOAD_ANSWER_OFFER;
    if (answer == NULL)
        return PAYLOAD_ANSWER_NONE;
    if (json_is_string(ack) && strcmp(json_string_value(ack), "ok") == 0)
        return PAYLOAD_ANSWER_TAKEN;
    return read_refusal(ack, ret_reason);
}

enum payload_answer payload_read_answer(const uint8_t *plain, size_t length, char **ret_reason)
{
    enum bounded_json_fault fault = BOUNDED_JSON_REFUSED;
    enum payload_answer answer;
    json_t *root = NULL;

    *ret_reason = NULL;
    if (length <= ANSWER_MAX)
        fault = bounded_json_load((const char *)plain, length, &root);
    if (fault != BOUNDED_JSON_OK)
        return fault == BOUNDED_JSON_NO_MEMORY ? PAYLOAD_ANSWER_NO_MEMORY : PAYLOAD_ANSWER_BAD;
    answer = read_answer(root, ret_reason);
    json_decref(root);
    return answer;
}

/* ---- receipts ---- */

static int write_routes(const struct payload_routes *routes, char *at, size_t size)
{
    int length = snprintf(at, size, ",\"routes\":{\"version\":%" PRIu32 ",\"by\":\"%s\",\"list\":[",
                          routes->version, routes->by_b ? "B" : "A");

    for (uint32_t i = 0; i < routes->count; i++) {
        const struct payload_route *route = &routes->list[i];

        length += snprintf(at + length, size - (size_t)length, "%s{\"route\":%" PRIu32,
                           i > 0 ? "," : "", route->number);
        if (route->number != 0)
            length += snprintf(at + length, size - (size_t)length, ",\"url\":\"%s\"", route->url);
        length += snprintf(at + length, size - (size_t)length, "}");
    }
    return length + snprintf(at + length, size - (size_t)length, "]}");
}

void payload_receipt_text(const struct payload_receipt *receipt,
                          char ret_text[PAYLOAD_RECEIPT_TEXT])
{
    char hex[2 * EPOCH_PUBLIC_BYTES + 1];
    int at =
        snprintf(ret_text, PAYLOAD_RECEIPT_TEXT, "{\"delivered\":%" PRIu32 ",\"read\":%" PRIu32,
                 receipt->delivered, receipt->read);

    if (receipt->has_next) {
        sodium_bin2hex(hex, sizeof(hex), receipt->next, EPOCH_PUBLIC_BYTES);
        at += snprintf(ret_text + at, (size_t)(PAYLOAD_RECEIPT_TEXT - at), ",\"next\":\"%s\"%s",
                       hex, receipt->moved ? ",\"moved\":true" : "");
    }
    if (receipt->has_next && receipt->bye)
        at += snprintf(ret_text + at, (size_t)(PAYLOAD_RECEIPT_TEXT - at),
                       ",\"bye\":{\"sent\":%" PRIu32 ",\"result\":\"%s\"}", receipt->bye_sent,
                       receipt->bye_result);
    if (receipt->has_next && receipt->routes.count > 0)
        at += write_routes(&receipt->routes, ret_text + at, (size_t)(PAYLOAD_RECEIPT_TEXT - at));
    snprintf(ret_text + at, (size_t)(PAYLOAD_RECEIPT_TEXT - at), "}");
}

static bool read_count(const json_t *count, uint32_t *ret_count)
{
    json_int_t number = json_integer_value(count);

    if (!json_is_integer(count) || number < 0)
        return false;
    *ret_count = number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
    return true;
}

static void read_bye(const json_t *bye, struct payload_receipt *receipt)
{
    const char *result = json_string_value(json_object_get(bye, "result"));

    receipt->bye = read_count(json_object_get(bye, "sent"), &receipt->bye_sent);
    snprintf(receipt->bye_result, sizeof(receipt->bye_result), "%s", result == NULL ? "" : result);
}

static bool read_route(const json_t *value, const struct payload_routes *routes,
                       struct payload_route *ret_route)
{
    if (!read_count(json_object_get(value, "route"), &ret_route->number) ||
        ret_route->number > INT32_MAX)
        return false;
    for (uint32_t i = 0; i < routes->count; i++)
        if (routes->list[i].number == ret_route->number)
            return false;
    return ret_route->number == 0 || read_url(json_object_get(value, "url"), ret_route->url);
}

/* One that is not as it should be is none. */
static void read_routes(const json_t *said, struct payload_routes *ret_routes)
{
    struct payload_routes routes = {0};
    const char *by = json_string_value(json_object_get(said, "by"));
    const json_t *list = json_object_get(said, "list");
    size_t index;
    json_t *value;

    if (!read_count(json_object_get(said, "version"), &routes.version) || routes.version == 0 ||
        routes.version > PAYLOAD_ROUTES_VERSION_MAX || by == NULL ||
        (strcmp(by, "A") != 0 && strcmp(by, "B") != 0) ||
        json_array_size(list) > PAYLOAD_ROUTES_MAX)
        return;
    routes.by_b = strcmp(by, "B") == 0;
    json_array_foreach(list, index, value)
    {
        if (!read_route(value, &routes, &routes.list[routes.count]))
            return;
        routes.count++;
    }
    *ret_routes = routes;
}

enum payload_fault payload_read_receipt(const uint8_t *plain, size_t length,
                                        struct payload_receipt *ret_receipt)
{
    json_t *root;
    struct payload_receipt receipt = {0};
    enum payload_fault fault;

    if (length > RECEIPT_BODY_MAX)
        return PAYLOAD_MALFORMED;
    fault = faults[bounded_json_load((const char *)plain, length, &root)];
    if (fault != PAYLOAD_OK)
        return fault;
    if (read_count(json_object_get(root, "delivered"), &receipt.delivered) &&
        read_count(json_object_get(root, "read"), &receipt.read)) {
        receipt.has_next = read_public(json_object_get(root, "next"), receipt.next);
        receipt.moved = receipt.has_next && json_is_true(json_object_get(root, "moved"));
        if (receipt.has_next)
            read_bye(json_object_get(root, "bye"), &receipt);
        if (receipt.has_next)
            read_routes(json_object_get(root, "routes"), &receipt.routes);
        *ret_receipt = receipt;
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
