#include "config.h"

#include "relay/command.h"

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
struct field {
    const char *key;
    size_t offset; /* of the pointer in struct command */
    size_t min, max;
};

#define FIELD(name, min, max)                                                                      \
    {                                                                                              \
#name, offsetof(struct command, name), min, max                                            \
    }

static const struct field appid = FIELD(appid, 1, RELAY_APPID_MAX);
static const struct field side = FIELD(side, 1, RELAY_SIDE_MAX);
static const struct field nameplate = FIELD(nameplate, 1, RELAY_NAMEPLATE_MAX);
static const struct field mailbox = FIELD(mailbox, 1, RELAY_MAILBOX_MAX);
static const struct field phase = FIELD(phase, 0, RELAY_PHASE_MAX);
static const struct field body = FIELD(body, 0, SIZE_MAX); /* as the whole message */
static const struct field mood = FIELD(mood, 0, RELAY_MOOD_MAX);
static const struct field method = FIELD(method, 1, COMMAND_METHOD_MAX);
static const struct field stamp = FIELD(stamp, 1, COMMAND_STAMP_MAX);
static const struct field id = FIELD(id, 0, RELAY_ID_MAX);

static void set_fault(struct command *command, const char *before, const char *key,
                      const char *after)
{
    const char *quote = *key ? "'" : "";

    snprintf(command->fault, sizeof(command->fault), "%s%s%s%s%s", before, quote, key, quote,
             after);
}

static const char *size_fault(const struct field *field, size_t length)
{
    if (length < field->min)
        return " must not be empty";
    return length > field->max ? " is too long" : NULL;
}

/* Absent and null are the same. True if it is there, and good. */
static bool read_field(struct command *command, const struct field *field)
{
    const json_t *value = json_object_get(command->root, field->key);
    const char *fault = " must be a string";

    if (!value || json_is_null(value))
        return false;
    if (json_is_string(value))
        fault = size_fault(field, json_string_length(value));
    if (fault) {
        set_fault(command, "", field->key, fault);
        return false;
    }
    *(const char **)((char *)command + field->offset) = json_string_value(value);
    return true;
}

/* ---- what a type needs beyond strings ---- */

static bool is_hex(const char *text, size_t length)
{
    return length % 2 == 0 && strspn(text, "0123456789abcdefABCDEF") == length;
}

/* Stock relays take any text here, and stock clients die of it. */
static void read_body(struct command *command)
{
    command->body_length = strlen(command->body);
    if (!is_hex(command->body, command->body_length))
        set_fault(command, "", "body", " must be hex");
}

static void read_ping(struct command *command)
{
    command->ping = json_object_get(command->root, "ping");
    if (!command->ping)
        set_fault(command, "ping requires ", "ping", "");
    else if (!json_is_number(command->ping))
        set_fault(command, "", "ping", " must be a number");
}

/* ---- a shape for each type ---- */

static const struct shape {
    const char *name;
    enum command_type type;
    const char *lacking;                      /* begins the sentence about a needed field */
    const struct field *needs[FIELDS_MAX];    /* these must be there … */
    const struct field *may_have[FIELDS_MAX]; /* … and these may */
    void (*read)(struct command *command);    /* the rest, or NULL */
} shapes[] = {
    {"add", COMMAND_ADD, "missing ", {&phase, &body}, {NULL}, read_body},
    {"allocate", COMMAND_ALLOCATE, "", {NULL}, {NULL}, NULL},
    {"bind", COMMAND_BIND, "bind requires ", {&appid, &side}, {NULL}, NULL},
    {"claim", COMMAND_CLAIM, "claim requires ", {&nameplate}, {NULL}, NULL},
    {"close", COMMAND_CLOSE, "", {NULL}, {&mailbox, &mood}, NULL},
    {"list", COMMAND_LIST, "", {NULL}, {NULL}, NULL},
    {"open", COMMAND_OPEN, "open requires ", {&mailbox}, {NULL}, NULL},
    {"ping", COMMAND_PING, "", {NULL}, {NULL}, read_ping},
    {"release", COMMAND_RELEASE, "", {NULL}, {&nameplate}, NULL},
    /* Documents say the one, the Rust client sends the other. */
    {"submit-permissions", COMMAND_PERMIT, "missing ", {&method}, {&stamp}, NULL},
    {"submit-permission", COMMAND_PERMIT, "missing ", {&method}, {&stamp}, NULL},
};

static const struct shape *find_shape(const char *name)
{
    for (size_t i = 0; name && i < LENGTH(shapes); i++) {
        if (strcmp(name, shapes[i].name) == 0)
            return &shapes[i];
    }
    return NULL;
}

static void read_needs(struct command *command, const struct shape *shape)
{
    for (size_t i = 0; i < FIELDS_MAX && shape->needs[i] && !command->fault[0]; i++) {
        if (!read_field(command, shape->needs[i]) && !command->fault[0])
            set_fault(command, shape->lacking, shape->needs[i]->key, "");
    }
}

static void read_shape(struct command *command, const struct shape *shape)
{
    command->type = shape->type;
    read_field(command, &id);
    read_needs(command, shape);
    for (size_t i = 0; i < FIELDS_MAX && shape->may_have[i] && !command->fault[0]; i++)
        read_field(command, shape->may_have[i]);
    if (shape->read && !command->fault[0])
        shape->read(command);
}

/* ---- the whole ---- */

static void read_root(struct command *command)
{
    const json_t *type = json_object_get(command->root, "type");
    const struct shape *shape = find_shape(json_string_value(type));

    if (shape)
        read_shape(command, shape);
    else if (type)
        set_fault(command, "unknown type", "", "");
    else
        set_fault(command, "missing ", "type", "");
}

bool command_parse(const char *text, size_t length, struct command *ret_command)
{
    struct command command = {.type = COMMAND_UNKNOWN};
    enum bounded_json_fault fault = bounded_json_load(text, length, &command.root);

    if (fault == DOCUMENT_NO_MEMORY)
        return false;
    if (fault)
        set_fault(&command, "not a JSON object, or one beyond all bounds", "", "");
    else
        read_root(&command);
    *ret_command = command;
    return true;
}

bool command_has_type(const struct command *command)
{
    return json_object_get(command->root, "type") != NULL;
}

json_t *command_take_body(struct command *command)
{
    json_t *taken = json_incref(json_object_get(command->root, "body"));

    if (json_object_set_new(command->root, "body", json_string("")))
        json_object_del(command->root, "body");
    return taken;
}

void command_free(struct command *command)
{
    json_decref(command->root);
    *command = (struct command){.type = COMMAND_UNKNOWN};
}
