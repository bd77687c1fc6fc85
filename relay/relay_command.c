#include "config.h"

#include "relay/relay_command.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "relay/store.h"
#include "base/bounded_json.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

/* Most strings that any command has. */
#define FIELDS_MAX 3

/* ---- fields ---- */

/* A string of a command. Names that become keys of the store are not empty. */
struct relay_command_field {
    const char *key;
    size_t offset; /* of the pointer in struct relay_command */
    size_t min, max;
};

#define FIELD(name, min, max)                                                                      \
    {                                                                                              \
#name, offsetof(struct relay_command, name), min, max                                      \
    }

static const struct relay_command_field appid = FIELD(appid, 1, RELAY_APPID_MAX);
static const struct relay_command_field side = FIELD(side, 1, RELAY_SIDE_MAX);
static const struct relay_command_field nameplate = FIELD(nameplate, 1, RELAY_NAMEPLATE_MAX);
static const struct relay_command_field mailbox = FIELD(mailbox, 1, RELAY_MAILBOX_MAX);
static const struct relay_command_field phase = FIELD(phase, 0, RELAY_PHASE_MAX);
static const struct relay_command_field body = FIELD(body, 0, SIZE_MAX); /* the message limits it */
static const struct relay_command_field mood = FIELD(mood, 0, RELAY_MOOD_MAX);
static const struct relay_command_field method = FIELD(method, 1, RELAY_COMMAND_METHOD_MAX);
static const struct relay_command_field stamp = FIELD(stamp, 1, RELAY_COMMAND_STAMP_MAX);
static const struct relay_command_field id = FIELD(id, 0, RELAY_ID_MAX);

static void set_fault(struct relay_command *command, const char *before, const char *key,
                      const char *after)
{
    const char *quote = *key ? "'" : "";

    snprintf(command->fault, sizeof(command->fault), "%s%s%s%s%s", before, quote, key, quote,
             after);
}

static const char *size_fault(const struct relay_command_field *field, size_t length)
{
    if (length < field->min)
        return " must not be empty";
    return length > field->max ? " is too long" : NULL;
}

/* Absent and null are the same. True if the field is present and valid. */
static bool read_field(struct relay_command *command, const struct relay_command_field *field)
{
    const json_t *value = json_object_get(command->root, field->key);
    const char *fault = " must be a string";

    if (value == NULL || json_is_null(value))
        return false;
    if (json_is_string(value))
        fault = size_fault(field, json_string_length(value));
    if (fault != NULL) {
        set_fault(command, "", field->key, fault);
        return false;
    }
    *(const char **)((char *)command + field->offset) = json_string_value(value);
    return true;
}

/* ---- what a type needs beyond strings ---- */

/* strspn() takes several times as long, which counts for millions of bytes. */
static bool is_hex(const char *text, size_t length)
{
    static const bool digits[UCHAR_MAX + 1] = {
        ['0'] = true, ['1'] = true, ['2'] = true, ['3'] = true, ['4'] = true, ['5'] = true,
        ['6'] = true, ['7'] = true, ['8'] = true, ['9'] = true, ['a'] = true, ['b'] = true,
        ['c'] = true, ['d'] = true, ['e'] = true, ['f'] = true, ['A'] = true, ['B'] = true,
        ['C'] = true, ['D'] = true, ['E'] = true, ['F'] = true,
    };
    bool all = length % 2 == 0;

    for (size_t i = 0; all && i < length; i++)
        all = digits[(unsigned char)text[i]];
    return all;
}

/* Stock relays accept any text here, which makes stock clients crash. */
static void read_body(struct relay_command *command)
{
    bool apart = command->apart.hex != NULL; /* then all of its digits were looked at */

    if (apart)
        command->body = command->apart.hex;
    command->body_length =
        apart ? command->apart.length : json_string_length(json_object_get(command->root, "body"));
    if (apart ? command->body_length % 2 != 0 : !is_hex(command->body, command->body_length))
        set_fault(command, "", "body", " must be hex");
}

static void read_ping(struct relay_command *command)
{
    command->ping = json_object_get(command->root, "ping");
    if (command->ping == NULL)
        set_fault(command, "ping requires ", "ping", "");
    else if (!json_is_number(command->ping))
        set_fault(command, "", "ping", " must be a number");
}

/* Whatever is no place is taken for one that is not known any more: no client fails for it. */
static void read_after(struct relay_command *command)
{
    const json_t *after = json_object_get(command->root, "after");

    command->resumes = json_is_string(after);
    if (command->resumes)
        command->after = relay_position_read(json_string_value(after));
}

/* ---- a spec for each type ---- */

static const struct relay_command_spec {
    const char *name;
    enum relay_command_type type;
    const char *lacking; /* the start of the sentence about a missing field */
    const struct relay_command_field *needs[FIELDS_MAX];    /* required fields … */
    const struct relay_command_field *may_have[FIELDS_MAX]; /* … and optional ones */
    void (*read)(struct relay_command *command);            /* the rest, or NULL */
} specs[] = {
    {"add", RELAY_COMMAND_ADD, "missing ", {&phase, &body}, {NULL}, read_body},
    {"allocate", RELAY_COMMAND_ALLOCATE, "", {NULL}, {NULL}, NULL},
    {"bind", RELAY_COMMAND_BIND, "bind requires ", {&appid, &side}, {NULL}, NULL},
    {"claim", RELAY_COMMAND_CLAIM, "claim requires ", {&nameplate}, {NULL}, NULL},
    {"close", RELAY_COMMAND_CLOSE, "", {NULL}, {&mailbox, &mood}, NULL},
    {"leave", RELAY_COMMAND_LEAVE, "", {NULL}, {NULL}, NULL},
    {"list", RELAY_COMMAND_LIST, "", {NULL}, {NULL}, NULL},
    {"open", RELAY_COMMAND_OPEN, "open requires ", {&mailbox}, {NULL}, read_after},
    {"ping", RELAY_COMMAND_PING, "", {NULL}, {NULL}, read_ping},
    {"release", RELAY_COMMAND_RELEASE, "", {NULL}, {&nameplate}, NULL},
    /* The documentation uses the first, the Rust client sends the second. */
    {"submit-permissions", RELAY_COMMAND_PERMIT, "missing ", {&method}, {&stamp}, NULL},
    {"submit-permission", RELAY_COMMAND_PERMIT, "missing ", {&method}, {&stamp}, NULL},
};

static const struct relay_command_spec *find_spec(const char *name)
{
    for (size_t i = 0; name != NULL && i < LENGTH(specs); i++) {
        if (strcmp(name, specs[i].name) == 0)
            return &specs[i];
    }
    return NULL;
}

/* A phase may be an integer, which stock relays store, and replay, as text. */
static void read_phase(struct relay_command *command)
{
    const json_t *value = json_object_get(command->root, "phase");
    char text[24];

    snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    if (json_is_integer(value))
        json_object_set_new(command->root, "phase", json_string(text));
}

static void read_needs(struct relay_command *command, const struct relay_command_spec *spec)
{
    for (size_t i = 0; i < FIELDS_MAX && spec->needs[i] != NULL && !command->fault[0]; i++) {
        if (!read_field(command, spec->needs[i]) && !command->fault[0])
            set_fault(command, spec->lacking, spec->needs[i]->key, "");
    }
}

static void read_spec(struct relay_command *command, const struct relay_command_spec *spec)
{
    command->type = spec->type;
    read_field(command, &id);
    if (spec->type == RELAY_COMMAND_ADD)
        read_phase(command);
    read_needs(command, spec);
    for (size_t i = 0; i < FIELDS_MAX && spec->may_have[i] != NULL && !command->fault[0]; i++)
        read_field(command, spec->may_have[i]);
    if (spec->read != NULL && !command->fault[0])
        spec->read(command);
}

/* ---- the whole ---- */

static int64_t read_channel(const json_t *root)
{
    const json_t *channel = json_object_get(root, "channel");
    json_int_t number = json_integer_value(channel);

    if (channel == NULL || json_is_null(channel))
        return 0;
    return number >= 1 && number <= RELAY_COMMAND_CHANNEL_MAX ? number : -1;
}

static void read_root(struct relay_command *command)
{
    const json_t *type = json_object_get(command->root, "type");
    const struct relay_command_spec *spec = find_spec(json_string_value(type));

    command->channel = read_channel(command->root);
    if (spec != NULL)
        read_spec(command, spec);
    else if (type != NULL)
        set_fault(command, "unknown type", "", "");
    else
        set_fault(command, "missing ", "type", "");
}

bool relay_command_parse(const char *text, size_t length, struct relay_command *ret_command)
{
    struct relay_command command = {.type = RELAY_COMMAND_UNKNOWN};
    enum bounded_json_fault fault = bounded_json_load_apart(text, length, RELAY_COMMAND_REST_MAX,
                                                            &command.root, &command.apart);

    if (fault == BOUNDED_JSON_NO_MEMORY)
        return false;
    if (fault)
        set_fault(&command, "not a JSON object, or one beyond all bounds", "", "");
    else
        read_root(&command);
    *ret_command = command;
    return true;
}

bool relay_command_has_type(const struct relay_command *command)
{
    return json_object_get(command->root, "type") != NULL;
}

bool relay_command_keep(struct relay_command *command)
{
    json_t *kept;

    if (command->apart.hex == NULL)
        return true;
    kept = json_stringn_nocheck(command->apart.hex, command->apart.length);
    command->apart.hex = NULL;
    if (json_object_set_new(command->root, "body", kept)) {
        /* Nothing of it may be looked at any more, whoever still carries it out. */
        command->body = NULL;
        command->body_length = 0;
        set_fault(command, "the relay is out of memory", "", "");
        return false;
    }
    if (command->body != NULL)
        command->body = json_string_value(kept);
    return true;
}

json_t *relay_command_take_body(struct relay_command *command)
{
    json_t *taken = json_incref(json_object_get(command->root, "body"));

    if (json_object_set_new(command->root, "body", json_string("")))
        json_object_del(command->root, "body");
    return taken;
}

void relay_command_free(struct relay_command *command)
{
    json_decref(command->root);
    *command = (struct relay_command){.type = RELAY_COMMAND_UNKNOWN};
}
