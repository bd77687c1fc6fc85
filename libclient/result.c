/* The types of results: whether a value is one, how callbacks receive it, and what it contains. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "libclient/client.h"

struct wormclient_message {
    const struct wormclient_value *value;
};

struct wormclient_changes {
    const struct wormclient_value *value;
};

struct wormclient_log {
    const struct wormclient_value *value;
};

struct wormclient_status {
    const struct wormclient_value *value;
};

struct wormclient_nameplates {
    const struct wormclient_value *value;
};

struct wormclient_words {
    const struct wormclient_value *value;
};

struct wormclient_backup {
    const struct wormclient_value *value;
};

struct wormclient_list {
    const struct wormclient_value *value;
    size_t count;
    struct wormclient_session *sessions; /* each borrows its view from the value */
};

/* ---- what makes a value a result ---- */

static bool is_number(const struct wormclient_value *map, const char *key)
{
    int64_t number = wormclient_value_number(map, key, -1);
    return number >= 0 && number <= UINT32_MAX;
}

static bool are_texts(const struct wormclient_value *array)
{
    if (wormclient_value_type(array) != WORMCLIENT_TYPE_ARRAY)
        return false;
    for (size_t i = 0; i < wormclient_value_count(array); i++)
        if (wormclient_value_text(wormclient_value_at(array, i), NULL) == NULL)
            return false;
    return true;
}

static bool check_session(const struct wormclient_value *view, struct wormclient_error *ret_error)
{
    if (wormclient_value_text(view, "id") != NULL && wormclient_value_text(view, "state") != NULL)
        return true;
    wormclient__error(ret_error, WORMCLIENT_ERROR_PROTOCOL, 0,
                      "the daemon's answer does not describe a session");
    return false;
}

static bool check_message(const struct wormclient_value *value, struct wormclient_error *ret_error)
{
    size_t length;
    const struct wormclient_value *data = wormclient_value_get(value, "data");
    if (data != NULL && wormclient_value_type(data) == WORMCLIENT_TYPE_NIL) {
        wormclient__error(ret_error, WORMCLIENT_ERROR_NO_MESSAGE, 0, "no message is there yet");
        return false;
    }
    return (wormclient_value_data(value, "data", &length) != NULL && is_number(value, "number")) ||
           wormclient__error_answer(ret_error);
}

static bool check_sent(const struct wormclient_value *value, struct wormclient_error *ret_error)
{
    return is_number(value, "number") || wormclient__error_answer(ret_error);
}

static bool check_changes(const struct wormclient_value *value, struct wormclient_error *ret_error)
{
    const struct wormclient_value *rows = wormclient_value_get(value, "changes");
    bool right = wormclient_value_type(rows) == WORMCLIENT_TYPE_ARRAY;
    for (size_t i = 0; i < wormclient_value_count(rows) && right; i++) {
        const struct wormclient_value *row = wormclient_value_at(rows, i);
        right = wormclient_value_text(row, "session") != NULL &&
                wormclient_value_number(row, "change", -1) >= 0;
    }
    return right || wormclient__error_answer(ret_error);
}

static bool check_log(const struct wormclient_value *value, struct wormclient_error *ret_error)
{
    const struct wormclient_value *events = wormclient_value_get(value, "events");
    bool right = wormclient_value_type(events) == WORMCLIENT_TYPE_ARRAY;
    for (size_t i = 0; i < wormclient_value_count(events) && right; i++)
        right = wormclient_value_text(wormclient_value_at(events, i), "sentence") != NULL;
    return right || wormclient__error_answer(ret_error);
}

static bool check_status(const struct wormclient_value *value, struct wormclient_error *ret_error)
{
    return wormclient_value_type(value) == WORMCLIENT_TYPE_MAP ||
           wormclient__error_answer(ret_error);
}

static bool check_nameplates(const struct wormclient_value *value,
                             struct wormclient_error *ret_error)
{
    return are_texts(wormclient_value_get(value, "nameplates")) ||
           wormclient__error_answer(ret_error);
}

static bool check_backup(const struct wormclient_value *value, struct wormclient_error *ret_error)
{
    size_t length;
    const struct wormclient_value *next = wormclient_value_get(value, "next");
    bool right = wormclient_value_type(next) == WORMCLIENT_TYPE_NIL ||
                 wormclient_value_number(value, "next", -1) > 0;
    return (right && wormclient_value_data(value, "data", &length) != NULL) ||
           wormclient__error_answer(ret_error);
}

static bool check_words(const struct wormclient_value *value, struct wormclient_error *ret_error)
{
    const struct wormclient_value *lists = wormclient_value_get(value, "words");
    bool right = wormclient_value_count(lists) > 0;
    for (size_t i = 0; i < wormclient_value_count(lists) && right; i++)
        right = are_texts(wormclient_value_at(lists, i));
    return right || wormclient__error_answer(ret_error);
}

/*
 * For each type: `wormclient__deliver_X` makes an X that borrows the value for the duration of a
 * callback; `wormclient__take_X` makes a new, independent one.
 */
#define RESULT(type, check)                                                                        \
    void wormclient__deliver_##type(                                                               \
        struct wormclient *client, const struct wormclient_error *error,                           \
        const struct wormclient_value *result, wormclient__function callback, void *arg)           \
    {                                                                                              \
        struct wormclient_error wrong = WORMCLIENT_ERROR_INIT;                                     \
        const struct wormclient_##type lent = {.value = result};                                   \
        if (error == NULL && !check(result, &wrong))                                               \
            error = &wrong;                                                                        \
        ((wormclient_##type##_callback)callback)(client, error, error == NULL ? &lent : NULL,      \
                                                 arg);                                             \
    }                                                                                              \
    bool wormclient__take_##type(const struct wormclient_value *result, void *into,                \
                                 struct wormclient_error *ret_error)                               \
    {                                                                                              \
        if (!check(result, ret_error))                                                             \
            return false;                                                                          \
        struct wormclient_##type *own = malloc(sizeof(*own));                                      \
        struct wormclient_value *value = own != NULL ? wormclient__value_dup(result) : NULL;       \
        if (value == NULL) {                                                                       \
            free(own);                                                                             \
            return wormclient__error_memory(ret_error);                                            \
        }                                                                                          \
        own->value = value;                                                                        \
        *(struct wormclient_##type **)into = own;                                                  \
        return true;                                                                               \
    }                                                                                              \
    void wormclient_##type##_free(struct wormclient_##type *own)                                   \
    {                                                                                              \
        if (own == NULL)                                                                           \
            return;                                                                                \
        wormclient_result_free((struct wormclient_value *)own->value);                             \
        free(own);                                                                                 \
    }

RESULT(session, check_session)
RESULT(message, check_message)
RESULT(changes, check_changes)
RESULT(log, check_log)
RESULT(status, check_status)
RESULT(nameplates, check_nameplates)
RESULT(words, check_words)
RESULT(backup, check_backup)

/* ---- results without an object of their own ---- */

void wormclient__deliver_value(struct wormclient *client, const struct wormclient_error *error,
                               const struct wormclient_value *result, wormclient__function callback,
                               void *arg)
{
    ((wormclient_callback)callback)(client, error, error == NULL ? result : NULL, arg);
}

void wormclient__deliver_done(struct wormclient *client, const struct wormclient_error *error,
                              const struct wormclient_value *result, wormclient__function callback,
                              void *arg)
{
    (void)result;
    ((wormclient_done_callback)callback)(client, error, arg);
}

bool wormclient__take_nothing(const struct wormclient_value *result, void *into,
                              struct wormclient_error *ret_error)
{
    (void)result;
    (void)into;
    (void)ret_error;
    return true;
}

/* A message that was sent is returned without its data. */
void wormclient__deliver_sent(struct wormclient *client, const struct wormclient_error *error,
                              const struct wormclient_value *result, wormclient__function callback,
                              void *arg)
{
    struct wormclient_error wrong = WORMCLIENT_ERROR_INIT;
    const struct wormclient_message sent = {.value = result};
    if (error == NULL && !check_sent(result, &wrong))
        error = &wrong;
    ((wormclient_message_callback)callback)(client, error, error == NULL ? &sent : NULL, arg);
}

bool wormclient__take_number(const struct wormclient_value *result, void *into,
                             struct wormclient_error *ret_error)
{
    uint32_t *ret_number = into;
    if (!check_sent(result, ret_error))
        return false;
    *ret_number = (uint32_t)wormclient_value_number(result, "number", 0);
    return true;
}

void wormclient__deliver_key(struct wormclient *client, const struct wormclient_error *error,
                             const struct wormclient_value *result, wormclient__function callback,
                             void *arg)
{
    struct wormclient_error wrong = WORMCLIENT_ERROR_INIT;
    size_t length = 0;
    const void *key = error == NULL ? wormclient_value_data(result, "key", &length) : NULL;
    if (error == NULL && key == NULL) {
        wormclient__error_answer(&wrong);
        error = &wrong;
    }
    ((wormclient_secret_callback)callback)(client, error, key, length, arg);
}

void wormclient__deliver_export(struct wormclient *client, const struct wormclient_error *error,
                                const struct wormclient_value *result,
                                wormclient__function callback, void *arg)
{
    struct wormclient_error wrong = WORMCLIENT_ERROR_INIT;
    const char *text = error == NULL ? wormclient_value_text(result, "export") : NULL;
    if (error == NULL && text == NULL) {
        wormclient__error_answer(&wrong);
        error = &wrong;
    }
    ((wormclient_secret_callback)callback)(client, error, text, text == NULL ? 0 : strlen(text),
                                           arg);
}

bool wormclient__take_export(const struct wormclient_value *result, void *into,
                             struct wormclient_error *ret_error)
{
    char **export = into;
    const char *text = wormclient_value_text(result, "export");
    if (text == NULL)
        return wormclient__error_answer(ret_error);
    *export = strdup(text);
    return *export != NULL || wormclient__error_memory(ret_error);
}

void wormclient_secret_free(char *text)
{
    if (text == NULL)
        return;
    explicit_bzero(text, strlen(text));
    free(text);
}

/* ---- lists ---- */

/* Fills in `list`, whose value is already set. */
static bool fill_list(struct wormclient_list *list, struct wormclient_error *ret_error)
{
    const struct wormclient_value *views = wormclient_value_get(list->value, "sessions");
    if (wormclient_value_type(views) != WORMCLIENT_TYPE_ARRAY)
        return wormclient__error_answer(ret_error);
    list->count = wormclient_value_count(views);
    list->sessions = calloc(list->count + 1, sizeof(*list->sessions));
    if (list->sessions == NULL)
        return wormclient__error_memory(ret_error);
    for (size_t i = 0; i < list->count; i++) {
        list->sessions[i].value = wormclient_value_at(views, i);
        if (!check_session(list->sessions[i].value, ret_error))
            return false;
    }
    return true;
}

static void free_list(struct wormclient_list *list)
{
    free(list->sessions);
    wormclient_result_free((struct wormclient_value *)list->value);
    free(list);
}

void wormclient__deliver_list(struct wormclient *client, const struct wormclient_error *error,
                              const struct wormclient_value *result, wormclient__function callback,
                              void *arg)
{
    struct wormclient_error wrong = WORMCLIENT_ERROR_INIT;
    struct wormclient_list list = {.value = result};
    if (error == NULL && !fill_list(&list, &wrong))
        error = &wrong;
    ((wormclient_list_callback)callback)(client, error, error == NULL ? &list : NULL, arg);
    free(list.sessions);
}

bool wormclient__take_list(const struct wormclient_value *result, void *into,
                           struct wormclient_error *ret_error)
{
    struct wormclient_list *list = calloc(1, sizeof(*list));
    if (list == NULL)
        return wormclient__error_memory(ret_error);
    list->value = wormclient__value_dup(result);
    if (list->value == NULL)
        wormclient__error_memory(ret_error);
    if (list->value == NULL || !fill_list(list, ret_error)) {
        free_list(list);
        return false;
    }
    *(struct wormclient_list **)into = list;
    return true;
}

void wormclient_list_free(struct wormclient_list *list)
{
    if (list != NULL)
        free_list(list);
}

size_t wormclient_list_count(const struct wormclient_list *list)
{
    return list->count;
}

const struct wormclient_session *wormclient_list_at(const struct wormclient_list *list,
                                                    size_t index)
{
    return index < list->count ? &list->sessions[index] : NULL;
}

const char *wormclient_list_next(const struct wormclient_list *list)
{
    return wormclient_value_text(list->value, "next");
}

/* ---- sessions ---- */

struct wormclient_session *wormclient_session_from(const struct wormclient_value *view,
                                                   struct wormclient_error *ret_error)
{
    struct wormclient_session *session = NULL;
    wormclient__take_session(view, &session, ret_error);
    return session;
}

struct wormclient_session *wormclient_session_dup(const struct wormclient_session *session,
                                                  struct wormclient_error *ret_error)
{
    return wormclient_session_from(session->value, ret_error);
}

const struct wormclient_value *wormclient_session_view(const struct wormclient_session *session)
{
    return session->value;
}

/* A key of the view, as a function of the same name. */
#define SESSION_TEXT(key)                                                                          \
    const char *wormclient_session_##key(const struct wormclient_session *session)                 \
    {                                                                                              \
        return wormclient_value_text(session->value, #key);                                        \
    }
#define SESSION_NUMBER(key, absent)                                                                \
    int64_t wormclient_session_##key(const struct wormclient_session *session)                     \
    {                                                                                              \
        return wormclient_value_number(session->value, #key, absent);                              \
    }

SESSION_TEXT(id)
SESSION_TEXT(name)
SESSION_TEXT(code)
SESSION_TEXT(state)
SESSION_TEXT(result)
SESSION_TEXT(reason)
SESSION_TEXT(relay)
SESSION_TEXT(verifier)
SESSION_TEXT(verifier_words)
SESSION_TEXT(verification)
SESSION_TEXT(peer_versions)
SESSION_NUMBER(created, 0)
SESSION_NUMBER(deadline, 0)
SESSION_NUMBER(sent, 0)
SESSION_NUMBER(stored, 0)
SESSION_NUMBER(delivered, -1)
SESSION_NUMBER(read, -1)
SESSION_NUMBER(received, 0)
SESSION_NUMBER(unread, 0)

uint64_t wormclient_session_change(const struct wormclient_session *session)
{
    return (uint64_t)wormclient_value_number(session->value, "change", 0);
}

/* ---- messages ---- */

struct wormclient_message *wormclient_message_dup(const struct wormclient_message *message,
                                                  struct wormclient_error *ret_error)
{
    struct wormclient_message *copy = malloc(sizeof(*copy));
    struct wormclient_value *value = copy != NULL ? wormclient__value_dup(message->value) : NULL;
    if (value == NULL) {
        free(copy);
        wormclient__error_memory(ret_error);
        return NULL;
    }
    copy->value = value;
    return copy;
}

uint32_t wormclient_message_number(const struct wormclient_message *message)
{
    return (uint32_t)wormclient_value_number(message->value, "number", 0);
}

const char *wormclient_message_session(const struct wormclient_message *message)
{
    return wormclient_value_text(message->value, "session");
}

const void *wormclient_message_data(const struct wormclient_message *message, size_t *ret_length)
{
    size_t length = 0;
    const void *data = wormclient_value_data(message->value, "data", &length);
    if (ret_length != NULL)
        *ret_length = length;
    return data;
}

/* ---- the daemon ---- */

size_t wormclient_changes_count(const struct wormclient_changes *changes)
{
    return wormclient_value_count(wormclient_value_get(changes->value, "changes"));
}

const char *wormclient_changes_at(const struct wormclient_changes *changes, size_t index,
                                  uint64_t *ret_change)
{
    const struct wormclient_value *row =
        wormclient_value_at(wormclient_value_get(changes->value, "changes"), index);
    if (row != NULL && ret_change != NULL)
        *ret_change = (uint64_t)wormclient_value_number(row, "change", 0);
    return wormclient_value_text(row, "session");
}

uint64_t wormclient_changes_newest(const struct wormclient_changes *changes)
{
    return (uint64_t)wormclient_value_number(changes->value, "change", 0);
}

size_t wormclient_log_count(const struct wormclient_log *log)
{
    return wormclient_value_count(wormclient_value_get(log->value, "events"));
}

int64_t wormclient_log_dropped(const struct wormclient_log *log)
{
    return wormclient_value_number(log->value, "dropped", 0);
}

const struct wormclient_value *wormclient_log_view(const struct wormclient_log *log, size_t index)
{
    return wormclient_value_at(wormclient_value_get(log->value, "events"), index);
}

const char *wormclient_log_at(const struct wormclient_log *log, size_t index, int64_t *ret_first,
                              int64_t *ret_last)
{
    const struct wormclient_value *event = wormclient_log_view(log, index);
    if (event != NULL && ret_first != NULL)
        *ret_first = wormclient_value_number(event, "first", 0);
    if (event != NULL && ret_last != NULL)
        *ret_last = wormclient_value_number(event, "last", 0);
    return wormclient_value_text(event, "sentence");
}

const struct wormclient_value *wormclient_status_view(const struct wormclient_status *status)
{
    return status->value;
}

const char *wormclient_status_version(const struct wormclient_status *status)
{
    return wormclient_value_text(status->value, "version");
}

const char *wormclient_status_default_relay(const struct wormclient_status *status)
{
    return wormclient_value_text(status->value, "default_relay");
}

int64_t wormclient_status_sessions(const struct wormclient_status *status)
{
    return wormclient_value_number(status->value, "sessions", 0);
}

int64_t wormclient_status_active(const struct wormclient_status *status)
{
    return wormclient_value_number(status->value, "active", 0);
}

uint64_t wormclient_status_change(const struct wormclient_status *status)
{
    return (uint64_t)wormclient_value_number(status->value, "change", 0);
}

/* ---- typing a code ---- */

size_t wormclient_nameplates_count(const struct wormclient_nameplates *nameplates)
{
    return wormclient_value_count(wormclient_value_get(nameplates->value, "nameplates"));
}

const char *wormclient_nameplates_at(const struct wormclient_nameplates *nameplates, size_t index)
{
    return wormclient_value_text(
        wormclient_value_at(wormclient_value_get(nameplates->value, "nameplates"), index), NULL);
}

/* The two lists alternate. */
static const struct wormclient_value *words_for(const struct wormclient_words *words, size_t place)
{
    const struct wormclient_value *lists = wormclient_value_get(words->value, "words");
    return wormclient_value_at(lists, place % wormclient_value_count(lists));
}

size_t wormclient_words_count(const struct wormclient_words *words)
{
    return wormclient_value_count(words_for(words, 0));
}

const char *wormclient_words_at(const struct wormclient_words *words, size_t place, size_t index)
{
    return wormclient_value_text(wormclient_value_at(words_for(words, place), index), NULL);
}

/* ---- backups ---- */

const void *wormclient_backup_data(const struct wormclient_backup *backup, size_t *ret_length)
{
    size_t length = 0;
    const void *data = wormclient_value_data(backup->value, "data", &length);
    if (ret_length != NULL)
        *ret_length = length;
    return data;
}

int64_t wormclient_backup_next(const struct wormclient_backup *backup)
{
    return wormclient_value_number(backup->value, "next", -1);
}
