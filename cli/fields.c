#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bounded_json.h"
#include "base/wipe.h"
#include "cli/escape.h"
#include "cli/fields.h"
#include "cli/output.h"
#include "cli/report.h"

/* Longest name of a field that is looked up: all are shorter. */
#define NAME_MAX_BYTES 32
/* Room for the names of all fields of a report in one sentence. */
#define NAMES_MAX 768

const char *const fields_view[] = {
#define SESSION_SHOWN(tag, type, required, least, limit, member, exported, shown, meaning) #member,
#define SESSION_COMPUTED(key, shown, meaning)                                              #key,
#include "wormhole/session_attributes.def"
    NULL,
};
const char *const fields_status[] = {
    "version",       "api",
    "pid",           "started",
    "state_dir",     "socket",
    "config",        "config_error",
    "default_relay", "default_relay_from",
    "proxy",         "proxy_from",
    "cafile",        "sessions",
    "active",        "held",
    "change",        "store_bytes",
    "store_limit",   "store_health",
    "store_error",   "sandbox",
    "relays",        NULL,
};
const char *const fields_sent[] = {"session", "number", NULL};
const char *const fields_message[] = {"session", "number", "data", "text", NULL};
const char *const fields_received_text[] = {"session", "text", NULL};
const char *const fields_session[] = {"session", NULL};
const char *const fields_key[] = {"session", "key", NULL};
const char *const fields_event[] = {"event",  "first", "last",     "times",
                                    "number", "text",  "sentence", NULL};
const char *const fields_change[] = {"change", "time", "session", "name", "events", "view", NULL};

/* Takes the next name off "a,b,c"; false at the end. One that is too long is cut off: it is unknown
 * anyway. */
static bool next_name(const char **wanted, char ret_name[NAME_MAX_BYTES])
{
    size_t length;

    if (*wanted == NULL)
        return false;
    length = strcspn(*wanted, ",");
    snprintf(ret_name, NAME_MAX_BYTES, "%.*s", (int)length, *wanted);
    *wanted = (*wanted)[length] == ',' ? *wanted + length + 1 : NULL;
    return true;
}

bool fields_have(const char *const *fields, const char *name)
{
    for (; *fields != NULL; fields++)
        if (strcmp(*fields, name) == 0)
            return true;
    return false;
}

enum exit_status fields_check(const char *command, const char *const *fields, const char *wanted)
{
    char name[NAME_MAX_BYTES], names[NAMES_MAX];
    size_t length = 0;

    while (next_name(&wanted, name)) {
        if (fields_have(fields, name))
            continue;
        for (size_t i = 0; fields[i] != NULL && length < NAMES_MAX; i++)
            length += (size_t)snprintf(names + length, NAMES_MAX - length, "%s%s",
                                       i > 0 ? ", " : "", fields[i]);
        return report_usage(command, "unknown field '%s'; the fields are: %s", name, names);
    }
    return EXIT_DONE;
}

/* New; free(); NULL: out of memory. */
static char *format_value(const json_t *value)
{
    char *dump, *safe;

    if (value == NULL || json_is_null(value))
        return strdup("");
    if (json_is_string(value))
        return escape_text(json_string_value(value), json_string_length(value), false);
    dump = bounded_json_text(value, JSON_COMPACT | JSON_ENCODE_ANY);
    safe = dump != NULL ? escape_json(dump) : NULL;
    wipe_free(dump);
    return safe;
}

enum exit_status fields_print(const json_t *object, const char *wanted)
{
    char name[NAME_MAX_BYTES];
    const char *gap = "";

    while (next_name(&wanted, name)) {
        char *text = format_value(json_object_get(object, name));

        if (text == NULL)
            return report_memory();
        printf("%s%s", gap, text);
        wipe_free(text);
        gap = "\t";
    }
    return output_line("");
}

json_t *fields_pick(const json_t *object, const char *wanted)
{
    json_t *picked = json_object();
    char name[NAME_MAX_BYTES];

    while (picked != NULL && next_name(&wanted, name)) {
        json_t *value = json_object_get(object, name);

        if (json_object_set_new(picked, name, value != NULL ? json_incref(value) : json_null())) {
            json_decref(picked);
            picked = NULL;
        }
    }
    return picked;
}
