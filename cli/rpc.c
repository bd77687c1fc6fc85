/* rpc: the daemon's methods for programs that speak JSON and not MessagePack, a line at a time. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bounded_json.h"
#include "base/wipe.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/json.h"
#include "cli/output.h"

/* Longest line: a request with the longest message, 16 MiB, as base64. */
#define LINE_MAX_BYTES ((size_t)24 << 20)
/* Requests that may be unanswered: the daemon stops reading at 256. */
#define UNANSWERED_MAX 128

/* One run of rpc. */
struct rpc_run {
    struct wormclient *client;
    struct wormclient_value *api; /* the daemon's own tables */
    struct input_lines lines;     /* standard input */
    unsigned unanswered;
    enum exit_status status; /* once it is not EXIT_DONE, all is over */
};

/* A request that is waiting for its response. */
struct rpc_request {
    struct rpc_run *run;
    json_t *id; /* as the client gave it; NULL: it gave none */
};

/* ---- what is printed ---- */

static void print(struct rpc_run *run, json_t *line)
{
    enum exit_status status = line != NULL ? output_json(line) : report_memory();

    json_decref(line);
    if (run->status == EXIT_DONE)
        run->status = status;
}

static void print_error(struct rpc_run *run, json_t *id, const char *code, const char *message)
{
    print(run, json_pack("{sO?s{ssss}}", "id", id, "error", "code", code, "message", message));
}

static void print_wrong_param(struct rpc_run *run, json_t *id, const char *key, const char *wanted)
{
    print(run, json_pack("{sO?s{ssso}}", "id", id, "error", "code", "bad-params", "message",
                         json_sprintf("parameter \"%s\" must be %s", key, wanted)));
}

static void on_answer(struct wormclient *client, const struct wormclient_error *error,
                      const struct wormclient_value *result, void *arg)
{
    struct rpc_request *request = arg;
    struct rpc_run *run = request->run;

    (void)client;
    run->unanswered--;
    if (error != NULL)
        print_error(run, request->id, error->daemon_code[0] != '\0' ? error->daemon_code : "lost",
                    error->text);
    else
        print(run, json_pack("{sO?so}", "id", request->id, "result", json_from_value(result)));
    json_decref(request->id);
    free(request);
}

static void on_notification(struct wormclient *client, const char *method,
                            const struct wormclient_value *params, void *arg)
{
    (void)client;
    print(arg, json_pack("{ssso}", "method", method, "params", json_from_value(params)));
}

/* ---- parameters ---- */

/* The row of this name in a list of the daemon's tables; NULL if there is none. */
static const struct wormclient_value *find_row(const struct wormclient_value *rows,
                                               const char *name)
{
    for (size_t i = 0; i < wormclient_value_count(rows); i++) {
        const struct wormclient_value *row = wormclient_value_at(rows, i);
        const char *found = wormclient_value_text(row, "name");

        if (found != NULL && strcmp(found, name) == 0)
            return row;
    }
    return NULL;
}

/* Bytes are base64 in JSON. False: it is none, or memory ran out. */
static bool add_data(struct wormclient_params *params, const char *key, const json_t *value)
{
    size_t length = json_string_length(value), size = length / 4 * 3 + 1, used = 0;
    unsigned char *data = malloc(size);
    bool valid =
        data != NULL && sodium_base642bin(data, size, json_string_value(value), length, NULL, &used,
                                          NULL, sodium_base64_VARIANT_ORIGINAL) == 0;

    if (valid)
        wormclient_params_data(params, key, data, used);
    if (data != NULL)
        sodium_memzero(data, size);
    free(data);
    return valid;
}

/* Returns what the value should have been, or NULL. The daemon judges all else. */
static const char *add_param(struct wormclient_params *params, const struct wormclient_value *row,
                             const char *key, const json_t *value)
{
    const char *type = row != NULL ? wormclient_value_text(row, "type") : NULL;

    if (json_is_integer(value))
        wormclient_params_number(params, key, json_integer_value(value));
    else if (json_is_boolean(value))
        wormclient_params_flag(params, key, json_is_true(value));
    else if (json_is_string(value) && type != NULL && strcmp(type, "bin") == 0)
        return add_data(params, key, value) ? NULL : "base64";
    else if (json_is_string(value))
        wormclient_params_text(params, key, json_string_value(value));
    else if (!json_is_null(value))
        return "a string, an integer, true, false or null";
    return NULL;
}

/* New; NULL if a parameter is wrong, which has been answered. */
static struct wormclient_params *read_params(struct rpc_run *run, json_t *id, const char *method,
                                             json_t *given)
{
    const struct wormclient_value *methods = wormclient_value_get(run->api, "methods"),
                                  *row = find_row(methods, method),
                                  *rows = row != NULL ? wormclient_value_get(row, "params") : NULL;
    struct wormclient_params *params = wormclient_params_new();
    const char *key, *wanted = NULL;
    json_t *value;

    json_object_foreach(given, key, value)
    {
        wanted = add_param(params, find_row(rows, key), key, value);
        if (wanted != NULL)
            break;
    }
    if (wanted == NULL)
        return params;
    print_wrong_param(run, id, key, wanted);
    wormclient_params_free(params);
    return NULL;
}

/* ---- requests ---- */

static void ask(struct rpc_run *run, json_t *id, const char *method, json_t *given)
{
    struct wormclient_params *params = read_params(run, id, method, given);
    struct rpc_request *request = params != NULL ? malloc(sizeof(*request)) : NULL;
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;

    if (params == NULL)
        return;
    if (request == NULL) {
        wormclient_params_free(params);
        run->status = report_memory();
        return;
    }
    *request = (struct rpc_request){.run = run, .id = json_incref(id)};
    if (wormclient_request(run->client, method, params, on_answer, request, &error)) {
        run->unanswered++;
        return;
    }
    free(request);
    if (error.code ==
        WORMCLIENT_ERROR_TOO_LARGE) /* the line is within its limit, the request is not */
        print_error(run, id, "too-large", error.text);
    else
        run->status = report_error(&error);
    json_decref(id);
}

static void take_line(struct rpc_run *run, const char *line, size_t length)
{
    json_t *root = NULL, *params;
    enum bounded_json_fault fault = bounded_json_load(line, length, &root);
    const char *method;

    if (fault == BOUNDED_JSON_NO_MEMORY)
        run->status = report_memory();
    else if (fault != BOUNDED_JSON_OK)
        print_error(run, NULL, "bad-message", "the line is not one JSON object in UTF-8");
    if (fault != BOUNDED_JSON_OK)
        return;
    method = json_string_value(json_object_get(root, "method"));
    params = json_object_get(root, "params");
    if (method == NULL)
        print_error(run, json_object_get(root, "id"), "bad-message",
                    "a request is {\"id\": …, \"method\": \"NAME\", \"params\": {…}}");
    else if (params != NULL && !json_is_object(params) && !json_is_null(params))
        print_error(run, json_object_get(root, "id"), "bad-params", "params must be an object");
    else
        ask(run, json_object_get(root, "id"), method, params);
    json_decref(root);
}

/* Takes what was read, as far as requests may be unanswered. */
static void take_lines(struct rpc_run *run)
{
    const char *line;
    size_t length;

    while (run->status == EXIT_DONE && run->unanswered < UNANSWERED_MAX &&
           (line = input_lines_next(&run->lines, &length)) != NULL) {
        if (length > LINE_MAX_BYTES)
            print_error(run, NULL, "too-large", "the line is too long");
        else if (length > 0)
            take_line(run, line, length);
    }
}

/* ---- the loop ---- */

static void sleep_and_process(struct rpc_run *run)
{
    int interest = wormclient_interest(run->client);
    bool reading = !run->lines.ended && run->unanswered < UNANSWERED_MAX;
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct pollfd places[] = {
        {.fd = wormclient_fd(run->client),
         .events = (short)(((interest & WORMCLIENT_WANT_READ) != 0 ? POLLIN : 0) |
                           ((interest & WORMCLIENT_WANT_WRITE) != 0 ? POLLOUT : 0))},
        {.fd = reading ? STDIN_FILENO : -1, .events = POLLIN},
    };

    if (poll(places, sizeof(places) / sizeof(places[0]), wormclient_timeout(run->client)) < 0 &&
        errno != EINTR) {
        report("cannot wait for standard input: %s", strerror(errno));
        run->status = EXIT_FAILED;
        return;
    }
    if (!wormclient_process(run->client, &error) && run->status == EXIT_DONE)
        run->status = report_error(&error);
    if (places[1].revents != 0 && run->status == EXIT_DONE)
        run->status = input_lines_read(&run->lines);
}

static enum exit_status run_rpc(struct wormclient *client, const struct cli_options *options)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    static struct rpc_run run; /* lives as long as the client, which answers its last requests */

    (void)options;
    run = (struct rpc_run){.client = client, .api = wormclient_api(client, &error)};
    if (run.api == NULL)
        return report_error(&error);
    input_lines_init(&run.lines, LINE_MAX_BYTES);
    wormclient_on_notification(client, on_notification, &run);
    while (run.status == EXIT_DONE && !(run.lines.ended && run.unanswered == 0)) {
        sleep_and_process(&run);
        take_lines(&run);
    }
    wormclient_on_notification(client, NULL, NULL);
    input_lines_clear(&run.lines);
    wormclient_result_free(run.api);
    return run.status;
}

const struct cli_command rpc_command = {
    .name = "rpc",
    .usage = "",
    .help = "speak with the daemon in lines of JSON",
    .details =
        "Each line of standard input is a request, {\"id\": ..., \"method\": \"show\",\n"
        "\"params\": {\"session\": \"bob\"}}; each line of standard output the answer to one, "
        "with\n"
        "its id and either a result or an error, or a notification, with method and params.\n"
        "Bytes are base64. The method api lists all methods. Ends with its input, once all\n"
        "requests are answered.",
    .run = run_rpc,
};
