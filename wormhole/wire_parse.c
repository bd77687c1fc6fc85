#include "config.h"

#include "base/hex.h"
#include "base/large.h"
#include "base/utf8.h"
#include "wormhole/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "wormhole/code.h"
#include "base/bounded_json.h"
#include "base/hashcash.h"

/* Longest retention that is accepted, in seconds: ten years. Keeps sums of times far from
 * overflow. */
#define RETENTION_MAX ((int64_t)10 * 366 * 24 * 3600)
/* Latest time of a relay that is believed, in seconds since the epoch: the year 5138. */
#define SERVER_TX_MAX 1e11

/* More than anybody needs of one connection. */
#define WIRE_CHANNELS_MAX 65536
/* All of our commands but `add` are shorter; a relay that offers less is not made for us. */
#define WIRE_CHANNEL_MESSAGE_LEAST 4096

static const char *const fault_texts[] = {
    [WIRE_OK] = "the message is well-formed",
    [WIRE_NOT_JSON] = "the message is not a JSON object",
    [WIRE_INCOMPLETE] = "the message lacks a part that its type needs",
    [WIRE_NO_MEMORY] = "out of memory",
};

const char *wire_fault_text(enum wire_fault fault)
{
    return fault_texts[fault];
}

/* ---- parts of a message ---- */

/* A short string without control characters, since it may end up in a log. NULL otherwise. */
static const char *get_name(const json_t *object, const char *key)
{
    const char *name = json_string_value(json_object_get(object, key));

    if (name == NULL || strnlen(name, WIRE_NAME_MAX + 1) > WIRE_NAME_MAX || utf8_has_control(name))
        return NULL;
    return name;
}

/* Replaces a text meant for people by one that is safe to show, and borrows that. NULL if it is
 * absent or not a string. */
static enum wire_fault get_text(json_t *object, const char *key, const char **ret_text)
{
    const char *text = json_string_value(json_object_get(object, key));
    char clean[WIRE_TEXT_MAX + 1];

    if (text == NULL) {
        *ret_text = NULL;
        return WIRE_OK;
    }
    utf8_clean(text, "\n\t", clean, sizeof(clean));
    if (json_object_set_new(object, key, json_string(clean)))
        return WIRE_NO_MEMORY;
    *ret_text = json_string_value(json_object_get(object, key));
    return WIRE_OK;
}

/* Decodes the body into new memory, which is allocated even if it is empty. A long one is `apart`.
 */
static enum wire_fault get_body(const json_t *root, const struct bounded_json_body *apart,
                                uint8_t **ret_bytes, size_t *ret_length)
{
    const json_t *value = json_object_get(root, "body");
    const char *hex = apart->hex != NULL ? apart->hex : json_string_value(value);
    size_t digits = apart->hex != NULL ? apart->length : json_string_length(value);
    size_t length = digits / 2;
    uint8_t *bytes;

    if (hex == NULL)
        return WIRE_INCOMPLETE;
    bytes = large_pages(malloc(length + 1), length);
    if (bytes == NULL)
        return WIRE_NO_MEMORY;
    if (digits % 2 != 0 || !hex_read(bytes, hex, length)) {
        free(bytes);
        return WIRE_INCOMPLETE;
    }
    *ret_bytes = bytes;
    *ret_length = length;
    return WIRE_OK;
}

/* ---- a reader for each type: root → message ---- */

static enum wire_fault read_nothing(json_t *root, struct wire_message *message)
{
    (void)root;
    (void)message;
    return WIRE_OK;
}

/* {"none": {}} or ["none", …]; null is not allowed, but named, as magic-wormhole.rs wants it */
static bool lists_none(const json_t *methods)
{
    const json_t *method;
    size_t i;

    const json_t *none = json_object_get(methods, "none");
    if (none != NULL && !json_is_null(none))
        return true;
    json_array_foreach(methods, i, method)
    {
        const char *name = json_string_value(method);

        none = json_object_get(method, "none");
        if ((name != NULL && strcmp(name, "none") == 0) || (none != NULL && !json_is_null(none)))
            return true;
    }
    return false;
}

/* {"hashcash": {"bits": 6, "resource": "…"}} */
static void read_hashcash(const json_t *welcome, struct wire_message *message)
{
    const json_t *hashcash =
        json_object_get(json_object_get(welcome, "permission-required"), "hashcash");
    json_int_t bits = json_integer_value(json_object_get(hashcash, "bits"));
    const char *resource = json_string_value(json_object_get(hashcash, "resource"));

    if (bits <= 0 || bits > HASHCASH_BITS_MAX || resource == NULL)
        return;
    message->hashcash_bits = (unsigned)bits;
    message->hashcash_resource = resource;
}

/* A relay that wants a stamp may list "none" beside it, without which magic-wormhole.rs 0.8.1 does
 * not understand the welcome: "none" counts only where there is no stamp that we can make. */
static void read_permission(const json_t *welcome, struct wire_message *message)
{
    const json_t *methods = json_object_get(welcome, "permission-required");

    message->permission_none = lists_none(methods);
    message->permission_needed = methods != NULL && !json_is_null(methods) &&
                                 !json_is_false(methods) &&
                                 (message->hashcash_bits > 0 || !message->permission_none);
}

/* Of a version that we do not know nothing is offered; nor with what nobody could use. */
static void read_shared_connection(const json_t *welcome, struct wire_message *message)
{
    const json_t *offer =
        json_object_get(json_object_get(welcome, "extensions"), "shared-connection");
    json_int_t channels = json_integer_value(json_object_get(offer, "channels"));
    json_int_t longest = json_integer_value(json_object_get(offer, "max_message"));

    if (json_integer_value(json_object_get(offer, "version")) != 1 || channels < 1 ||
        longest < WIRE_CHANNEL_MESSAGE_LEAST)
        return;
    message->channels = channels < WIRE_CHANNELS_MAX ? (unsigned)channels : WIRE_CHANNELS_MAX;
    message->channel_message_max = (size_t)longest;
}

static bool offers_resume(const json_t *welcome)
{
    const json_t *offer = json_object_get(json_object_get(welcome, "extensions"), "resume");

    return json_integer_value(json_object_get(offer, "version")) == 1;
}

/* `relayd` is what our own relay says about itself. */
static int64_t retention(const json_t *welcome)
{
    const json_t *relayd = json_object_get(welcome, "relayd");
    json_int_t seconds = json_integer_value(json_object_get(relayd, "retention"));

    if (seconds <= 0)
        return 0;
    return seconds < RETENTION_MAX ? seconds : RETENTION_MAX;
}

static enum wire_fault read_welcome(json_t *root, struct wire_message *message)
{
    json_t *welcome = json_object_get(root, "welcome");
    enum wire_fault fault;

    /* An empty array is what the JSON of some languages makes of an empty object. */
    if (!json_is_object(welcome) && (!json_is_array(welcome) || json_array_size(welcome) > 0))
        return WIRE_INCOMPLETE;
    message->retention = retention(welcome);
    read_hashcash(welcome, message);
    read_permission(welcome, message);
    read_shared_connection(welcome, message);
    message->resumes = offers_resume(welcome);
    fault = get_text(welcome, "motd", &message->motd);
    return fault ? fault : get_text(welcome, "error", &message->error);
}

static enum wire_fault read_nameplates(json_t *root, struct wire_message *message)
{
    (void)message;
    return json_is_array(json_object_get(root, "nameplates")) ? WIRE_OK : WIRE_INCOMPLETE;
}

static enum wire_fault read_allocated(json_t *root, struct wire_message *message)
{
    message->nameplate = get_name(root, "nameplate");
    if (message->nameplate == NULL || !code_nameplate_valid(message->nameplate))
        return WIRE_INCOMPLETE;
    return WIRE_OK;
}

static enum wire_fault read_claimed(json_t *root, struct wire_message *message)
{
    message->mailbox = get_name(root, "mailbox");
    return message->mailbox != NULL && *message->mailbox ? WIRE_OK : WIRE_INCOMPLETE;
}

/* "string or number", says the protocol: a relay passes a number on as it came, and replays it as a
 * string. */
static enum wire_fault spell_phase(json_t *root)
{
    const json_t *phase = json_object_get(root, "phase");

    if (!json_is_integer(phase))
        return WIRE_OK;
    return json_object_set_new(root, "phase", json_sprintf("%lld", json_integer_value(phase))) == 0
               ? WIRE_OK
               : WIRE_NO_MEMORY;
}

static enum wire_fault read_message(json_t *root, struct wire_message *message)
{
    if (spell_phase(root) != WIRE_OK)
        return WIRE_NO_MEMORY;
    message->side = get_name(root, "side");
    message->phase = get_name(root, "phase");
    return message->side == NULL || message->phase == NULL ? WIRE_INCOMPLETE : WIRE_OK;
}

static enum wire_fault read_pong(json_t *root, struct wire_message *message)
{
    const json_t *pong = json_object_get(root, "pong");

    message->pong = json_integer_value(pong);
    message->position = get_name(root, "position");
    if (message->position != NULL &&
        (message->position[0] == '\0' || strlen(message->position) > WIRE_POSITION_MAX))
        message->position = NULL;
    return json_is_integer(pong) ? WIRE_OK : WIRE_INCOMPLETE;
}

static enum wire_fault read_error(json_t *root, struct wire_message *message)
{
    enum wire_fault fault = get_text(root, "error", &message->error);

    message->orig_type = get_name(json_object_get(root, "orig"), "type");
    if (!fault && message->error == NULL)
        return WIRE_INCOMPLETE;
    return fault;
}

static enum wire_fault read_left(json_t *root, struct wire_message *message)
{
    message->alone = json_is_true(json_object_get(root, "alone"));
    return get_text(root, "reason", &message->reason);
}

static const struct wire_reader {
    const char *name;
    enum wire_type type;
    enum wire_fault (*read)(json_t *root, struct wire_message *message);
} readers[] = {
    {"ack", WIRE_ACK, read_nothing},         {"allocated", WIRE_ALLOCATED, read_allocated},
    {"claimed", WIRE_CLAIMED, read_claimed}, {"closed", WIRE_CLOSED, read_nothing},
    {"error", WIRE_ERROR, read_error},       {"left", WIRE_LEFT, read_left},
    {"message", WIRE_MESSAGE, read_message}, {"nameplates", WIRE_NAMEPLATES, read_nameplates},
    {"pong", WIRE_PONG, read_pong},          {"released", WIRE_RELEASED, read_nothing},
    {"resumed", WIRE_RESUMED, read_nothing}, {"welcome", WIRE_WELCOME, read_welcome},
};

static const struct wire_reader unknown = {"", WIRE_UNKNOWN, read_nothing};

static const struct wire_reader *find_reader(const char *name)
{
    for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++) {
        if (strcmp(name, readers[i].name) == 0)
            return &readers[i];
    }
    return &unknown;
}

/* ---- the whole message ---- */

/* Seconds with a fraction. Nothing else is a time, nor is one from which sums could overflow. */
static int64_t time_of(const json_t *seconds)
{
    double value = json_number_value(seconds);

    return value > 0 && value < SERVER_TX_MAX ? (int64_t)(value * 1000) : 0;
}

static enum wire_fault read_root(json_t *root, const struct bounded_json_body *apart,
                                 struct wire_message *message)
{
    const char *name = json_string_value(json_object_get(root, "type"));
    const struct wire_reader *reader;

    if (name == NULL)
        return WIRE_INCOMPLETE;
    reader = find_reader(name);
    message->type = reader->type;
    message->channel = json_integer_value(json_object_get(root, "channel"));
    message->server_tx = time_of(json_object_get(root, "server_tx"));
    enum wire_fault fault = reader->read(root, message);
    if (!fault && message->type == WIRE_MESSAGE)
        fault = get_body(root, apart, &message->body, &message->body_length);
    return fault;
}

static const enum wire_fault load_faults[] = {
    [BOUNDED_JSON_OK] = WIRE_OK,
    [BOUNDED_JSON_REFUSED] = WIRE_NOT_JSON,
    [BOUNDED_JSON_NO_MEMORY] = WIRE_NO_MEMORY,
};

static enum wire_fault parse(const char *text, size_t length, bool odd,
                             struct wire_message *ret_message)
{
    struct wire_message message = {.length = length};
    struct bounded_json_body apart;
    enum wire_fault fault =
        load_faults[bounded_json_load_apart(text, length, SIZE_MAX, &message.root, &apart)];

    if (!fault)
        fault = read_root(message.root, &apart, &message);
    if (fault == WIRE_INCOMPLETE && message.type == WIRE_MESSAGE && odd) {
        int64_t channel = message.channel;

        wire_free(&message);
        message = (struct wire_message){.type = WIRE_MESSAGE,
                                        .channel = channel,
                                        .length = length,
                                        .odd = true,
                                        .side = "",
                                        .phase = ""};
        fault = WIRE_OK;
    }
    if (fault)
        wire_free(&message);
    else
        *ret_message = message;
    return fault;
}

enum wire_fault wire_parse(const char *text, size_t length, struct wire_message *ret_message)
{
    return parse(text, length, false, ret_message);
}

enum wire_fault wire_parse_odd(const char *text, size_t length, struct wire_message *ret_message)
{
    return parse(text, length, true, ret_message);
}

const char *wire_next_nameplate(const struct wire_message *message, size_t *index)
{
    const json_t *rows = json_object_get(message->root, "nameplates");

    while (*index < json_array_size(rows)) {
        const char *name = get_name(json_array_get(rows, (*index)++), "id");

        if (name != NULL && code_nameplate_valid(name))
            return name;
    }
    return NULL;
}

/* Appends the name of a method to those before it, safe to show. */
static void add_method(char *names, size_t size, const char *name)
{
    size_t length = strlen(names);

    snprintf(names + length, size - length, "%s%.32s", length > 0 ? ", " : "", name);
}

void wire_permission_text(const struct wire_message *welcome, char *ret_text, size_t size)
{
    json_t *methods =
        json_object_get(json_object_get(welcome->root, "welcome"), "permission-required");
    json_int_t bits =
        json_integer_value(json_object_get(json_object_get(methods, "hashcash"), "bits"));
    char names[128] = "";
    const char *key;
    json_t *value;
    size_t i;

    json_object_foreach(methods, key, value)
    {
        add_method(names, sizeof(names), key);
    }
    json_array_foreach(methods, i, value)
    {
        if (json_is_string(value))
            add_method(names, sizeof(names), json_string_value(value));
    }
    if (json_is_string(methods))
        add_method(names, sizeof(names), json_string_value(methods));
    utf8_clean(names, "", names, sizeof(names));
    if (welcome->hashcash_bits > 0)
        snprintf(ret_text, size, "the hashcash stamp that the relay asks for could not be made");
    else if (bits > HASHCASH_BITS_MAX)
        snprintf(ret_text, size,
                 "the relay asks for a hashcash stamp of %" JSON_INTEGER_FORMAT
                 " bits; this program makes at most %d",
                 bits, HASHCASH_BITS_MAX);
    else
        snprintf(ret_text, size,
                 "the relay asks for a permission that this program cannot obtain (%s); it can do "
                 "hashcash",
                 names[0] != '\0' ? names : "of an unknown kind");
}

struct wire_message wire_again(const struct wire_message *message)
{
    json_incref(message->root);
    return *message;
}

void wire_free(struct wire_message *message)
{
    json_decref(message->root);
    free(message->body);
    *message = (struct wire_message){0};
}
