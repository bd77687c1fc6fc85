/*
 * A pair of functions for each method of the daemon: X_async() queues the request, X() waits for
 * its result. tests/unit/test-wormclient-watch.c compares them with ipc/methods.h.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/wipe.h"
#include "libclient/client.h"

/* ---- options ---- */

/* One option that was set for a new session: one parameter. */
struct set_option {
    SLIST_ENTRY(set_option) link;
    const char *key; /* constant */
    char *text;      /* NULL: it is a number or a flag */
    int64_t number;
    bool flag;
};

struct wormclient_options {
    bool failed; /* out of memory */
    SLIST_HEAD(, set_option) set;
};

/* As for parameters: remembers that memory ran out. Never written to. */
static struct wormclient_options out_of_memory = {.failed = true};

static void unset(struct wormclient_options *options, const char *key)
{
    struct set_option *option;
    SLIST_FOREACH(option, &options->set, link)
    {
        if (strcmp(option->key, key) == 0)
            break;
    }
    if (option == NULL)
        return;
    SLIST_REMOVE(&options->set, option, set_option, link);
    wipe_free(option->text);
    free(option);
}

/* Returns the option to be filled in, or NULL when out of memory. */
static struct set_option *set(struct wormclient_options *options, const char *key)
{
    if (options->failed)
        return NULL;
    unset(options, key);
    struct set_option *option = calloc(1, sizeof(*option));
    options->failed = option == NULL;
    if (option == NULL)
        return NULL;
    option->key = key;
    SLIST_INSERT_HEAD(&options->set, option, link);
    return option;
}

static void set_text(struct wormclient_options *options, const char *key, const char *text)
{
    if (text == NULL) {
        unset(options, key);
        return;
    }
    struct set_option *option = set(options, key);
    if (option != NULL)
        option->text = strdup(text);
    if (option != NULL && option->text == NULL)
        options->failed = true;
}

static void set_number(struct wormclient_options *options, const char *key, int64_t number)
{
    struct set_option *option = set(options, key);
    if (option != NULL)
        option->number = number;
}

static void set_flag(struct wormclient_options *options, const char *key, bool flag)
{
    struct set_option *option = set(options, key);
    if (option != NULL)
        option->flag = true;
    if (option != NULL)
        option->number = flag;
}

struct wormclient_options *wormclient_options_new(void)
{
    struct wormclient_options *options = calloc(1, sizeof(*options));
    /* cppcheck-suppress memleak ; the caller owns it */
    return options != NULL ? options : &out_of_memory;
}

void wormclient_options_free(struct wormclient_options *options)
{
    if (options == NULL || options == &out_of_memory)
        return;
    while (!SLIST_EMPTY(&options->set))
        unset(options, SLIST_FIRST(&options->set)->key);
    free(options);
}

/* A setter for each option in the table of parameters, with the same name. */
/* NOLINTBEGIN(bugprone-macro-parentheses): names of a function and its parameter */
#define SETTER_text(key)                                                                           \
    void wormclient_options_set_##key(struct wormclient_options *options, const char *key)         \
    {                                                                                              \
        set_text(options, #key, key);                                                              \
    }
/* NOLINTEND(bugprone-macro-parentheses) */
#define SETTER_number(key)                                                                         \
    void wormclient_options_set_##key(struct wormclient_options *options, int64_t key)             \
    {                                                                                              \
        set_number(options, #key, key);                                                            \
    }
#define SETTER_flag(key)                                                                           \
    void wormclient_options_set_##key(struct wormclient_options *options, bool key)                \
    {                                                                                              \
        set_flag(options, #key, key);                                                              \
    }
#define OPTION(ID, key, type, min, max, fallback) SETTER_##type(key)
#include "ipc/methods.def"

/* Options that the daemon does not store as they are. */
SETTER_text(schedule) SETTER_flag(once)

    /* The options as parameters, without those that belong to another call. */
    static struct wormclient_params *session_params(const struct wormclient_options *options,
                                                    const char *const *without)
{
    struct wormclient_params *params = wormclient_params_new();
    const struct set_option *option;
    if (options == NULL)
        return params;
    if (options->failed && !params->writer.failed)
        params->writer.failed = true;
    SLIST_FOREACH(option, &options->set, link)
    {
        bool wanted = true;
        for (size_t i = 0; without[i] != NULL; i++)
            wanted = wanted && strcmp(without[i], option->key) != 0;
        if (!wanted)
            continue;
        if (option->text != NULL)
            wormclient_params_text(params, option->key, option->text);
        else if (option->flag)
            wormclient_params_flag(params, option->key, option->number != 0);
        else
            wormclient_params_number(params, option->key, option->number);
    }
    return params;
}

static struct wormclient_params *invite_params(const struct wormclient_options *options)
{
    static const char *const without[] = {NULL};
    return session_params(options, without);
}

static struct wormclient_params *accept_params(const char *code,
                                               const struct wormclient_options *options)
{
    static const char *const without[] = {"code", "words", NULL};
    struct wormclient_params *params = session_params(options, without);
    wormclient_params_text(params, "code", code);
    return params;
}

/* ---- parameters ---- */

static struct wormclient_params *numbered(const char *session, const char *key, int64_t number)
{
    struct wormclient_params *params = wormclient__about(session);
    wormclient_params_number(params, key, number);
    return params;
}

static struct wormclient_params *flagged(const char *session, const char *key, bool flag)
{
    struct wormclient_params *params = wormclient__about(session);
    wormclient_params_flag(params, key, flag);
    return params;
}

static struct wormclient_params *named(const char *session, const char *name)
{
    struct wormclient_params *params = wormclient__about(session);
    wormclient_params_text(params, "name", name);
    return params;
}

/* NULL, with an error, if it is more than one message can hold. */
static struct wormclient_params *send_params(const char *session, const void *data, size_t length,
                                             struct wormclient_error *ret_error)
{
    if (length > WORMCLIENT_MESSAGE_MAX) {
        wormclient__error(ret_error, WORMCLIENT_ERROR_TOO_LARGE, 0,
                          "a message of %zu bytes is over the limit of %zu", length,
                          WORMCLIENT_MESSAGE_MAX);
        return NULL;
    }
    struct wormclient_params *params = wormclient__about(session);
    wormclient_params_data(params, "data", data, length);
    return params;
}

static struct wormclient_params *key_params(const char *session, const char *purpose, size_t length)
{
    struct wormclient_params *params = wormclient__about(session);
    wormclient_params_text(params, "purpose", purpose);
    wormclient_params_number(params, "length", (int64_t)length);
    return params;
}

static struct wormclient_params *import_params(const char *text, const char *name)
{
    struct wormclient_params *params = wormclient_params_new();
    wormclient_params_text(params, "export", text);
    wormclient_params_text(params, "name", name);
    return params;
}

static struct wormclient_params *nameplates_params(const char *appid, const char *relay)
{
    struct wormclient_params *params = wormclient_params_new();
    wormclient_params_text(params, "appid", appid);
    wormclient_params_text(params, "relay", relay);
    return params;
}

/* A page of a list: where it starts, and the most that it may hold. */
static struct wormclient_params *limited(struct wormclient_params *params, unsigned limit)
{
    if (limit > 0)
        wormclient_params_number(params, "limit", limit);
    return params;
}

static struct wormclient_params *list_params(const char *after, unsigned limit)
{
    struct wormclient_params *params = wormclient_params_new();
    if (after != NULL)
        wormclient_params_text(params, "after", after);
    return limited(params, limit);
}

static struct wormclient_params *log_params(const char *session, unsigned limit)
{
    return limited(wormclient__about(session), limit);
}

static struct wormclient_params *changes_params(uint64_t since, unsigned limit)
{
    struct wormclient_params *params = wormclient_params_new();
    wormclient_params_number(params, "since", since > INT64_MAX ? INT64_MAX : (int64_t)since);
    return limited(params, limit);
}

/* ---- calls whose result is a session ---- */

static bool start(struct wormclient *client, enum ipc_method method,
                  struct wormclient_params *params, wormclient_session_callback callback, void *arg,
                  struct wormclient_error *ret_error)
{
    return wormclient__request(client, methods_name(method), params, wormclient__deliver_session,
                               (wormclient__function)callback, arg, ret_error);
}

static struct wormclient_session *call(struct wormclient *client, enum ipc_method method,
                                       struct wormclient_params *params,
                                       struct wormclient_error *ret_error)
{
    struct wormclient_session *session = NULL;
    wormclient__call(client, methods_name(method), params, wormclient__take_session, &session,
                     ret_error);
    return session;
}

struct wormclient_session *wormclient_invite(struct wormclient *client,
                                             const struct wormclient_options *options,
                                             struct wormclient_error *ret_error)
{
    return call(client, METHOD_INVITE, invite_params(options), ret_error);
}

bool wormclient_invite_async(struct wormclient *client, const struct wormclient_options *options,
                             wormclient_session_callback callback, void *arg,
                             struct wormclient_error *ret_error)
{
    return start(client, METHOD_INVITE, invite_params(options), callback, arg, ret_error);
}

struct wormclient_session *wormclient_accept(struct wormclient *client, const char *code,
                                             const struct wormclient_options *options,
                                             struct wormclient_error *ret_error)
{
    return call(client, METHOD_ACCEPT, accept_params(code, options), ret_error);
}

bool wormclient_accept_async(struct wormclient *client, const char *code,
                             const struct wormclient_options *options,
                             wormclient_session_callback callback, void *arg,
                             struct wormclient_error *ret_error)
{
    return start(client, METHOD_ACCEPT, accept_params(code, options), callback, arg, ret_error);
}

struct wormclient_session *wormclient_show(struct wormclient *client, const char *session,
                                           struct wormclient_error *ret_error)
{
    return call(client, METHOD_SHOW, wormclient__about(session), ret_error);
}

bool wormclient_show_async(struct wormclient *client, const char *session,
                           wormclient_session_callback callback, void *arg,
                           struct wormclient_error *ret_error)
{
    return start(client, METHOD_SHOW, wormclient__about(session), callback, arg, ret_error);
}

struct wormclient_session *wormclient_rename(struct wormclient *client, const char *session,
                                             const char *name, struct wormclient_error *ret_error)
{
    return call(client, METHOD_RENAME, named(session, name), ret_error);
}

bool wormclient_rename_async(struct wormclient *client, const char *session, const char *name,
                             wormclient_session_callback callback, void *arg,
                             struct wormclient_error *ret_error)
{
    return start(client, METHOD_RENAME, named(session, name), callback, arg, ret_error);
}

static struct wormclient_params *moved(const char *session, const char *relays)
{
    struct wormclient_params *params = wormclient__about(session);
    wormclient_params_text(params, "relays", relays);
    return params;
}

struct wormclient_session *wormclient_move(struct wormclient *client, const char *session,
                                           const char *relays, struct wormclient_error *ret_error)
{
    return call(client, METHOD_MOVE, moved(session, relays), ret_error);
}

bool wormclient_move_async(struct wormclient *client, const char *session, const char *relays,
                           wormclient_session_callback callback, void *arg,
                           struct wormclient_error *ret_error)
{
    return start(client, METHOD_MOVE, moved(session, relays), callback, arg, ret_error);
}

struct wormclient_session *wormclient_poll(struct wormclient *client, const char *session,
                                           struct wormclient_error *ret_error)
{
    return call(client, METHOD_POLL, wormclient__about(session), ret_error);
}

bool wormclient_poll_async(struct wormclient *client, const char *session,
                           wormclient_session_callback callback, void *arg,
                           struct wormclient_error *ret_error)
{
    return start(client, METHOD_POLL, wormclient__about(session), callback, arg, ret_error);
}

struct wormclient_session *wormclient_close(struct wormclient *client, const char *session,
                                            struct wormclient_error *ret_error)
{
    return call(client, METHOD_CLOSE, wormclient__about(session), ret_error);
}

bool wormclient_close_async(struct wormclient *client, const char *session,
                            wormclient_session_callback callback, void *arg,
                            struct wormclient_error *ret_error)
{
    return start(client, METHOD_CLOSE, wormclient__about(session), callback, arg, ret_error);
}

struct wormclient_session *wormclient_verify(struct wormclient *client, const char *session,
                                             bool agree, struct wormclient_error *ret_error)
{
    return call(client, METHOD_VERIFY, flagged(session, "ok", agree), ret_error);
}

bool wormclient_verify_async(struct wormclient *client, const char *session, bool agree,
                             wormclient_session_callback callback, void *arg,
                             struct wormclient_error *ret_error)
{
    return start(client, METHOD_VERIFY, flagged(session, "ok", agree), callback, arg, ret_error);
}

struct wormclient_session *wormclient_ack(struct wormclient *client, const char *session,
                                          uint32_t number, struct wormclient_error *ret_error)
{
    return call(client, METHOD_ACK, numbered(session, "number", number), ret_error);
}

bool wormclient_ack_async(struct wormclient *client, const char *session, uint32_t number,
                          wormclient_session_callback callback, void *arg,
                          struct wormclient_error *ret_error)
{
    return start(client, METHOD_ACK, numbered(session, "number", number), callback, arg, ret_error);
}

struct wormclient_session *wormclient_import(struct wormclient *client, const char *text,
                                             const char *name, struct wormclient_error *ret_error)
{
    return call(client, METHOD_IMPORT, import_params(text, name), ret_error);
}

bool wormclient_import_async(struct wormclient *client, const char *text, const char *name,
                             wormclient_session_callback callback, void *arg,
                             struct wormclient_error *ret_error)
{
    return start(client, METHOD_IMPORT, import_params(text, name), callback, arg, ret_error);
}

/* ---- messages ---- */

bool wormclient_send(struct wormclient *client, const char *session, const void *data,
                     size_t length, uint32_t *ret_number, struct wormclient_error *ret_error)
{
    struct wormclient_params *params = send_params(session, data, length, ret_error);
    uint32_t number = 0;
    if (params == NULL || !wormclient__call(client, methods_name(METHOD_SEND), params,
                                            wormclient__take_number, &number, ret_error))
        return false;
    if (ret_number != NULL)
        *ret_number = number;
    return true;
}

bool wormclient_send_async(struct wormclient *client, const char *session, const void *data,
                           size_t length, wormclient_message_callback callback, void *arg,
                           struct wormclient_error *ret_error)
{
    struct wormclient_params *params = send_params(session, data, length, ret_error);
    return params != NULL &&
           wormclient__request(client, methods_name(METHOD_SEND), params, wormclient__deliver_sent,
                               (wormclient__function)callback, arg, ret_error);
}

struct wormclient_message *wormclient_recv(struct wormclient *client, const char *session,
                                           uint32_t from, struct wormclient_error *ret_error)
{
    struct wormclient_message *message = NULL;
    wormclient__call(client, methods_name(METHOD_RECV), numbered(session, "from", from),
                     wormclient__take_message, &message, ret_error);
    return message;
}

bool wormclient_recv_async(struct wormclient *client, const char *session, uint32_t from,
                           wormclient_message_callback callback, void *arg,
                           struct wormclient_error *ret_error)
{
    return wormclient__request(client, methods_name(METHOD_RECV), numbered(session, "from", from),
                               wormclient__deliver_message, (wormclient__function)callback, arg,
                               ret_error);
}

/* ---- secrets ---- */

struct key {
    void *bytes; /* the caller's */
    size_t length;
};

static bool take_key(const struct wormclient_value *result, void *into,
                     struct wormclient_error *ret_error)
{
    const struct key *key = into;
    size_t length;
    const void *bytes = wormclient_value_data(result, "key", &length);
    if (bytes == NULL || length != key->length)
        return wormclient__error_answer(ret_error);
    memcpy(key->bytes, bytes, length);
    return true;
}

bool wormclient_derive_key(struct wormclient *client, const char *session, const char *purpose,
                           void *ret_key, size_t length, struct wormclient_error *ret_error)
{
    struct key key = {.bytes = ret_key, .length = length};
    return wormclient__call(client, methods_name(METHOD_DERIVE_KEY),
                            key_params(session, purpose, length), take_key, &key, ret_error);
}

bool wormclient_derive_key_async(struct wormclient *client, const char *session,
                                 const char *purpose, size_t length,
                                 wormclient_secret_callback callback, void *arg,
                                 struct wormclient_error *ret_error)
{
    return wormclient__request(client, methods_name(METHOD_DERIVE_KEY),
                               key_params(session, purpose, length), wormclient__deliver_key,
                               (wormclient__function)callback, arg, ret_error);
}

char *wormclient_export(struct wormclient *client, const char *session,
                        struct wormclient_error *ret_error)
{
    char *export = NULL;
    wormclient__call(client, methods_name(METHOD_EXPORT), wormclient__about(session),
                     wormclient__take_export, &export, ret_error);
    return export;
}

bool wormclient_export_async(struct wormclient *client, const char *session,
                             wormclient_secret_callback callback, void *arg,
                             struct wormclient_error *ret_error)
{
    return wormclient__request(client, methods_name(METHOD_EXPORT), wormclient__about(session),
                               wormclient__deliver_export, (wormclient__function)callback, arg,
                               ret_error);
}

/* ---- calls that only succeed or fail ---- */

static bool start_done(struct wormclient *client, enum ipc_method method,
                       struct wormclient_params *params, wormclient_done_callback callback,
                       void *arg, struct wormclient_error *ret_error)
{
    return wormclient__request(client, methods_name(method), params, wormclient__deliver_done,
                               (wormclient__function)callback, arg, ret_error);
}

bool wormclient_export_done(struct wormclient *client, const char *session,
                            struct wormclient_error *ret_error)
{
    return wormclient__call(client, methods_name(METHOD_EXPORT), flagged(session, "done", true),
                            wormclient__take_nothing, NULL, ret_error);
}

bool wormclient_export_done_async(struct wormclient *client, const char *session,
                                  wormclient_done_callback callback, void *arg,
                                  struct wormclient_error *ret_error)
{
    return start_done(client, METHOD_EXPORT, flagged(session, "done", true), callback, arg,
                      ret_error);
}

bool wormclient_forget(struct wormclient *client, const char *session, bool force,
                       struct wormclient_error *ret_error)
{
    return wormclient__call(client, methods_name(METHOD_FORGET), flagged(session, "force", force),
                            wormclient__take_nothing, NULL, ret_error);
}

bool wormclient_forget_async(struct wormclient *client, const char *session, bool force,
                             wormclient_done_callback callback, void *arg,
                             struct wormclient_error *ret_error)
{
    return start_done(client, METHOD_FORGET, flagged(session, "force", force), callback, arg,
                      ret_error);
}

/* ---- the daemon ---- */

struct wormclient_list *wormclient_list(struct wormclient *client, const char *after,
                                        unsigned limit, struct wormclient_error *ret_error)
{
    struct wormclient_list *list = NULL;
    wormclient__call(client, methods_name(METHOD_LIST), list_params(after, limit),
                     wormclient__take_list, &list, ret_error);
    return list;
}

bool wormclient_list_async(struct wormclient *client, const char *after, unsigned limit,
                           wormclient_list_callback callback, void *arg,
                           struct wormclient_error *ret_error)
{
    return wormclient__request(client, methods_name(METHOD_LIST), list_params(after, limit),
                               wormclient__deliver_list, (wormclient__function)callback, arg,
                               ret_error);
}

struct wormclient_changes *wormclient_changes(struct wormclient *client, uint64_t since,
                                              unsigned limit, struct wormclient_error *ret_error)
{
    struct wormclient_changes *changes = NULL;
    wormclient__call(client, methods_name(METHOD_CHANGES), changes_params(since, limit),
                     wormclient__take_changes, &changes, ret_error);
    return changes;
}

bool wormclient_changes_async(struct wormclient *client, uint64_t since, unsigned limit,
                              wormclient_changes_callback callback, void *arg,
                              struct wormclient_error *ret_error)
{
    return wormclient__request(client, methods_name(METHOD_CHANGES), changes_params(since, limit),
                               wormclient__deliver_changes, (wormclient__function)callback, arg,
                               ret_error);
}

struct wormclient_log *wormclient_log(struct wormclient *client, const char *session,
                                      unsigned limit, struct wormclient_error *ret_error)
{
    struct wormclient_log *log = NULL;
    wormclient__call(client, methods_name(METHOD_LOG), log_params(session, limit),
                     wormclient__take_log, &log, ret_error);
    return log;
}

bool wormclient_log_async(struct wormclient *client, const char *session, unsigned limit,
                          wormclient_log_callback callback, void *arg,
                          struct wormclient_error *ret_error)
{
    return wormclient__request(client, methods_name(METHOD_LOG), log_params(session, limit),
                               wormclient__deliver_log, (wormclient__function)callback, arg,
                               ret_error);
}

struct wormclient_status *wormclient_status(struct wormclient *client,
                                            struct wormclient_error *ret_error)
{
    struct wormclient_status *status = NULL;
    wormclient__call(client, methods_name(METHOD_STATUS), NULL, wormclient__take_status, &status,
                     ret_error);
    return status;
}

bool wormclient_status_async(struct wormclient *client, wormclient_status_callback callback,
                             void *arg, struct wormclient_error *ret_error)
{
    return wormclient__request(client, methods_name(METHOD_STATUS), NULL,
                               wormclient__deliver_status, (wormclient__function)callback, arg,
                               ret_error);
}

/* ---- typing a code ---- */

struct wormclient_nameplates *wormclient_nameplates(struct wormclient *client, const char *appid,
                                                    const char *relay,
                                                    struct wormclient_error *ret_error)
{
    struct wormclient_nameplates *nameplates = NULL;
    wormclient__call(client, methods_name(METHOD_NAMEPLATES), nameplates_params(appid, relay),
                     wormclient__take_nameplates, &nameplates, ret_error);
    return nameplates;
}

bool wormclient_nameplates_async(struct wormclient *client, const char *appid, const char *relay,
                                 wormclient_nameplates_callback callback, void *arg,
                                 struct wormclient_error *ret_error)
{
    return wormclient__request(client, methods_name(METHOD_NAMEPLATES),
                               nameplates_params(appid, relay), wormclient__deliver_nameplates,
                               (wormclient__function)callback, arg, ret_error);
}

struct wormclient_words *wormclient_words(struct wormclient *client,
                                          struct wormclient_error *ret_error)
{
    struct wormclient_words *words = NULL;
    wormclient__call(client, methods_name(METHOD_WORDS), NULL, wormclient__take_words, &words,
                     ret_error);
    return words;
}

bool wormclient_words_async(struct wormclient *client, wormclient_words_callback callback,
                            void *arg, struct wormclient_error *ret_error)
{
    return wormclient__request(client, methods_name(METHOD_WORDS), NULL, wormclient__deliver_words,
                               (wormclient__function)callback, arg, ret_error);
}

/* ---- the tables ---- */

struct wormclient_value *wormclient_api(struct wormclient *client,
                                        struct wormclient_error *ret_error)
{
    return wormclient_call(client, methods_name(METHOD_API), NULL, ret_error);
}

bool wormclient_api_async(struct wormclient *client, wormclient_callback callback, void *arg,
                          struct wormclient_error *ret_error)
{
    return wormclient_request(client, methods_name(METHOD_API), NULL, callback, arg, ret_error);
}

/* ---- backups ---- */

static struct wormclient_params *backup_params(int64_t position)
{
    struct wormclient_params *params = wormclient_params_new();
    wormclient_params_number(params, "position", position);
    return params;
}

struct wormclient_backup *wormclient_backup(struct wormclient *client, int64_t position,
                                            struct wormclient_error *ret_error)
{
    struct wormclient_backup *backup = NULL;
    wormclient__call(client, methods_name(METHOD_BACKUP), backup_params(position),
                     wormclient__take_backup, &backup, ret_error);
    return backup;
}

bool wormclient_backup_async(struct wormclient *client, int64_t position,
                             wormclient_backup_callback callback, void *arg,
                             struct wormclient_error *ret_error)
{
    return wormclient__request(client, methods_name(METHOD_BACKUP), backup_params(position),
                               wormclient__deliver_backup, (wormclient__function)callback, arg,
                               ret_error);
}
