/* doctor: looks at everything on which wormctl and the daemon depend, and says what is wrong. */
#include "config.h"

#include <inttypes.h>
#include <jansson.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/home.h"
#include "cli/command.h"
#include "cli/escape.h"
#include "cli/json.h"
#include "cli/launch.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "cli/when.h"
#include "cli/wrap.h"

/* How long the daemon may take to answer, and wormholed --diagnose to look at everything (ms). */
#define ANSWER_MS   5000
#define DIAGNOSE_MS 30000
/* Most relays besides the default one that are looked at: each may take its time. */
#define OTHER_RELAYS_MAX 3
/* Room for what wormholed --diagnose prints. */
#define DIAGNOSED_MAX 65536
#define DOCTOR_TEXT   1024
/* Longest path of a socket, with its NUL (unix(7)). */
#define SOCKET_MAX 108
/* Columns of the result and of the longest name of a check. */
#define RESULT_WIDTH 4
#define CHECK_WIDTH  17
/* Nobody's clock showed less since this was written: 2026-11-01. */
#define CLOCK_LEAST INT64_C(1793491200000)

static const struct doctor_result {
    const char *name;
    enum terminal_colour colour;
} results[] = {
    {"good", TERMINAL_GREEN},
    {"hint", TERMINAL_YELLOW},
    {"bad", TERMINAL_RED},
};
#define RESULTS (sizeof(results) / sizeof(results[0]))
enum { GOOD, HINT, BAD };

/* One run of doctor. */
struct doctor {
    const struct cli_options *options;
    json_t *findings;        /* a list, with --json */
    json_t *daemon;          /* what it answers to `status`; NULL: nothing */
    char why[DOCTOR_TEXT];   /* … and the reason */
    bool answered;           /* it did, or nobody waits for it any more */
    enum exit_status status; /* so far */
};

/* ---- findings ---- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

static void print_finding(const json_t *finding, const struct doctor_result *result)
{
    const char *advice = text_of(finding, "advice");
    const char *colour = terminal_colour_begin(STDOUT_FILENO, result->colour);
    size_t columns = terminal_columns(STDOUT_FILENO), at = RESULT_WIDTH + CHECK_WIDTH + 4;
    char text[2 * DOCTOR_TEXT], *safe;

    snprintf(text, sizeof(text), "%s%s%s", text_of(finding, "text"), advice[0] != '\0' ? "; " : "",
             advice);
    safe = escape_text(text, strlen(text), false);
    if (safe == NULL) {
        output_mark_incomplete();
        return;
    }
    report_progress(NULL);
    printf("%s%-*s%s  ", colour, RESULT_WIDTH, result->name,
           colour[0] != '\0' ? TERMINAL_COLOUR_END : "");
    if (columns > 0 && columns < 2 * at) {
        at = RESULT_WIDTH + 2;
        printf("%s\n%*s", text_of(finding, "check"), (int)at, "");
    } else {
        printf("%-*s  ", CHECK_WIDTH, text_of(finding, "check"));
    }
    wrap_print(stdout, safe, at, at, columns);
    putchar('\n');
    fflush(stdout);
    free(safe);
}

/* Consumes the finding. NULL: there was no memory for it. */
static void add_finding(struct doctor *doctor, json_t *finding)
{
    const struct doctor_result *result = &results[BAD];

    for (size_t i = 0; i < RESULTS; i++)
        if (strcmp(text_of(finding, "result"), results[i].name) == 0)
            result = &results[i];
    if (result == &results[BAD] && doctor->status == EXIT_DONE)
        doctor->status = EXIT_FAILED;
    if (finding != NULL && doctor->findings == NULL)
        print_finding(finding, result);
    else if (finding == NULL || json_array_append(doctor->findings, finding) != 0)
        output_mark_incomplete();
    json_decref(finding);
}

static void doctor_find(struct doctor *doctor, const char *check, int result, const char *advice,
                        const char *format, ...) __attribute__((format(printf, 5, 6)));

/* `advice` NULL: there is nothing to do. */
static void doctor_find(struct doctor *doctor, const char *check, int result, const char *advice,
                        const char *format, ...)
{
    char text[DOCTOR_TEXT];
    va_list values;

    va_start(values, format);
    vsnprintf(text, sizeof(text), format, values);
    va_end(values);
    add_finding(doctor, json_pack("{s:s, s:s, s:s, s:s?}", "check", check, "result",
                                  results[result].name, "text", text, "advice", advice));
}

/* ---- the daemon ---- */

static void on_status(struct wormclient *client, const struct wormclient_error *error,
                      const struct wormclient_status *status, void *arg)
{
    struct doctor *doctor = arg;

    (void)client;
    if (doctor->answered)
        return;
    if (status != NULL)
        doctor->daemon = json_from_value(wormclient_status_view(status));
    snprintf(doctor->why, sizeof(doctor->why), "%s",
             error != NULL && error->code != WORMCLIENT_ERROR_NONE ? error->text : "out of memory");
    doctor->answered = true;
}

/* Asks how the daemon is, and waits some seconds for the answer. */
static void ask_daemon(struct doctor *doctor, struct wormclient *client)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    int64_t end = clock_monotonic() + ANSWER_MS, left = ANSWER_MS;
    bool fine = wormclient_status_async(client, on_status, doctor, &error);

    snprintf(doctor->why, sizeof(doctor->why), "it does not answer");
    while (fine && !doctor->answered && left > 0) {
        fine = wormclient_run_once(client, (int)left, &error);
        left = end - clock_monotonic();
    }
    if (!fine && doctor->daemon == NULL)
        snprintf(doctor->why, sizeof(doctor->why), "%s", error.text);
    doctor->answered = true; /* what comes when the connection is freed is no answer */
}

static void look_at_relays_of(struct doctor *doctor)
{
    const json_t *relays = json_object_get(doctor->daemon, "relays"), *relay;
    size_t index;

    json_array_foreach(relays, index, relay) if (strcmp(text_of(relay, "state"), "down") == 0)
        doctor_find(doctor, "relay", BAD, "see what follows about it",
                    "%s: the daemon cannot reach it: %s", text_of(relay, "url"),
                    text_of(relay, "error"));
}

static void look_at_sandbox(struct doctor *doctor)
{
    const char *sandbox = text_of(doctor->daemon, "sandbox");

    if (strcmp(sandbox, "off") == 0)
        doctor_find(doctor, "sandbox", HINT,
                    "unless that is meant so: remove sandbox = no, restart",
                    "the daemon was told to run without");
    else if (strcmp(sandbox, "none") == 0)
        doctor_find(doctor, "sandbox", HINT, NULL, "this system gives the daemon none");
    else if (*sandbox != '\0')
        doctor_find(doctor, "sandbox", GOOD, NULL, "%s", sandbox);
}

static void look_at_status(struct doctor *doctor)
{
    const char *version = text_of(doctor->daemon, "version");
    const char *mistakes = text_of(doctor->daemon, "config_error");
    bool same = strcmp(version, PACKAGE_VERSION) == 0;
    char started[WHEN_MAX];

    when_absolute(json_integer_value(json_object_get(doctor->daemon, "started")), clock_now(),
                  started);
    doctor_find(doctor, "daemon", same ? GOOD : HINT,
                same ? NULL : "if it is the older one: systemctl --user restart wormholed",
                "wormholed %s, started %s; this is wormctl " PACKAGE_VERSION, version, started);
    while (*mistakes != '\0') {
        size_t length = strcspn(mistakes, "\n");

        doctor_find(doctor, "config", BAD, "mend it, then: systemctl --user reload wormholed",
                    "the daemon goes on with its old settings: %.*s", (int)length, mistakes);
        mistakes += length + (mistakes[length] == '\n');
    }
    if (text_of(doctor->daemon, "store_error")[0] != '\0')
        doctor_find(doctor, "store", BAD, "until that is mended, nothing new is accepted", "%s",
                    text_of(doctor->daemon, "store_error"));
    look_at_sandbox(doctor);
    look_at_relays_of(doctor);
}

static struct wormclient *connect_daemon(struct doctor *doctor, const char *path)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient *client = wormclient_start(path, &error);
    const char *advice = "name your own daemon's socket with --socket or WORMHOLED_SOCKET";

    if (client == NULL && error.code == WORMCLIENT_ERROR_NO_DAEMON &&
        doctor->options->given[OPTION_START_DAEMON] && launch_daemon(path, &client) == EXIT_DONE)
        return client;
    if (client != NULL)
        return client;
    if (error.code == WORMCLIENT_ERROR_NO_DAEMON) {
        advice = "start it with: systemctl --user start wormholed, or: wormholed";
        doctor->status = EXIT_NO_DAEMON;
    }
    doctor_find(doctor, "socket", BAD, advice, "%s", error.text);
    return NULL;
}

static void look_at_daemon(struct doctor *doctor)
{
    struct wormclient *client;
    char path[SOCKET_MAX];

    if (!wormclient_socket_path(doctor->options->text[OPTION_SOCKET], path, sizeof(path))) {
        doctor_find(doctor, "socket", BAD, "choose another one with --socket",
                    "its path is longer than %d bytes, or there is no place for it",
                    SOCKET_MAX - 1);
        return;
    }
    client = connect_daemon(doctor, path);
    if (client == NULL)
        return;
    doctor_find(doctor, "socket", GOOD, NULL, "%s", path);
    ask_daemon(doctor, client);
    wormclient_free(client);
    if (doctor->daemon != NULL)
        look_at_status(doctor);
    else
        doctor_find(doctor, "daemon", BAD, "see its log; then: systemctl --user restart wormholed",
                    "%s", doctor->why);
}

/* ---- what the daemon would find ---- */

/* Adds what `wormholed --diagnose` printed: one finding per line, only those about the relay if
 * `relay_only`. Returns how many there are. */
static size_t add_diagnosed(struct doctor *doctor, char *text, bool relay_only)
{
    char *rest = text, *line;
    size_t count = 0;

    while ((line = strsep(&rest, "\n")) != NULL) {
        json_t *finding = json_loads(line, 0, NULL);

        if (finding == NULL)
            continue;
        count++;
        if (relay_only && strncmp(text_of(finding, "check"), "relay", strlen("relay")) != 0)
            json_decref(finding);
        else
            add_finding(doctor, finding);
    }
    return count;
}

/* An option of wormholed, and the daemon's own value for it. */
static void pass_on(char **arguments, int *count, char *option, const char *value)
{
    if (value[0] == '\0')
        return;
    arguments[(*count)++] = option;
    arguments[(*count)++] = (char *)value;
}

/* The daemon's own proxy and certificates, whatever this process has in its environment: a relay
 * that is reached through a proxy must not be looked at without. */
static void pass_on_routes(const struct doctor *doctor, char **arguments, int *count)
{
    static char proxy_option[] = "--proxy", cafile_option[] = "--cafile";
    const char *from = text_of(doctor->daemon, "proxy_from");
    const char *proxy = text_of(doctor->daemon, "proxy");

    if (doctor->daemon == NULL)
        return;
    unsetenv("WORMHOLED_PROXY");
    unsetenv("WORMHOLED_CAFILE");
    pass_on(arguments, count, cafile_option, text_of(doctor->daemon, "cafile"));
    /* From the file, it comes with its password. */
    if (strcmp(from, "environment") == 0 || strcmp(from, "command line") == 0)
        pass_on(arguments, count, proxy_option, proxy[0] != '\0' ? proxy : "none");
}

/* Has wormholed look at what it needs, by the settings of the daemon that runs, as far as they are
 * known. `relay` is another one than the default one; NULL: everything. */
static void diagnose(struct doctor *doctor, const char *relay)
{
    char name[] = "wormholed", diagnose_option[] = "--diagnose", config[] = "--config",
         state[] = "--state", relay_option[] = "--relay";
    char *arguments[13] = {name, diagnose_option}, *text = malloc(DIAGNOSED_MAX);
    enum launch_end end;
    int count = 2;

    if (text == NULL) {
        output_mark_incomplete();
        return;
    }
    pass_on(arguments, &count, config, text_of(doctor->daemon, "config"));
    pass_on(arguments, &count, state, text_of(doctor->daemon, "state_dir"));
    pass_on(arguments, &count, relay_option,
            relay != NULL ? relay : text_of(doctor->daemon, "default_relay"));
    pass_on_routes(doctor, arguments, &count);
    report_progress(relay != NULL ? "looking at another relay …"
                                  : "looking at the settings, the disk and the relay …");
    end = launch_diagnose(arguments, DIAGNOSE_MS, text, DIAGNOSED_MAX);
    report_progress(NULL);
    if (end == LAUNCH_NOT_STARTED)
        doctor_find(doctor, "wormholed", BAD, "install it beside wormctl, or in $PATH",
                    "cannot be run: %s", text);
    else if (end == LAUNCH_LATE) {
        add_diagnosed(doctor, text, relay != NULL);
        doctor_find(doctor, "wormholed", BAD, NULL, "did not get to the end of its checks in %d s",
                    DIAGNOSE_MS / 1000);
    } else {
        char first[DOCTOR_TEXT];

        snprintf(first, sizeof(first), "%.*s", (int)strcspn(text, "\n"), text);
        if (add_diagnosed(doctor, text, relay != NULL) == 0)
            doctor_find(doctor, "wormholed", BAD, "install the one of this version beside wormctl",
                        "has no checks: %s", first);
    }
    free(text);
}

static void diagnose_other_relays(struct doctor *doctor)
{
    const json_t *relays = json_object_get(doctor->daemon, "relays"), *relay;
    unsigned others = 0;
    size_t index;

    json_array_foreach(relays, index, relay)
    {
        const char *url = text_of(relay, "url");

        if (strcmp(url, text_of(doctor->daemon, "default_relay")) == 0)
            continue;
        if (others++ < OTHER_RELAYS_MAX)
            diagnose(doctor, url);
    }
    if (others > OTHER_RELAYS_MAX)
        doctor_find(doctor, "relay", HINT,
                    "to look at one of them: wormholed --diagnose --relay URL",
                    "%u more were not looked at", others - OTHER_RELAYS_MAX);
}

/* ---- the system ---- */

static void look_at_clock(struct doctor *doctor)
{
    struct timex state = {0};
    char now[WHEN_MAX];

    when_stamp(clock_now(), now);
    if (clock_now() < CLOCK_LEAST)
        doctor_find(doctor, "clock", BAD, "set it: timedatectl set-ntp true", "%s cannot be right",
                    now);
    else if (adjtimex(&state) < 0 || (state.status & STA_UNSYNC) != 0)
        doctor_find(doctor, "clock", HINT, "if it is wrong: timedatectl set-ntp true",
                    "%s; the kernel knows of no time server", now);
    else
        doctor_find(doctor, "clock", GOOD, NULL, "%s, synchronised", now);
}

/* True if one of the directories for units has a link to this one under sockets.target or
 * default.target. */
static bool is_enabled(const char *unit)
{
    static const char *const targets[] = {"sockets.target.wants", "default.target.wants"};
    char own[HOME_SIZE] = "", path[HOME_SIZE + 128], home[HOME_SIZE];
    const char *const directories[] = {own, "/etc", "/usr/lib"};
    const char *config = home_variable("XDG_CONFIG_HOME");

    if (config != NULL)
        snprintf(own, sizeof(own), "%.*s", HOME_SIZE - 64, config);
    else if (home_directory(home))
        snprintf(own, sizeof(own), "%.*s/.config", HOME_SIZE - 64, home);
    for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
        for (size_t j = 0; j < sizeof(targets) / sizeof(targets[0]); j++) {
            snprintf(path, sizeof(path), "%s/systemd/user/%s/%s", directories[i], targets[j], unit);
            if (access(path, F_OK) == 0)
                return true;
        }
    }
    return false;
}

static void look_at_service(struct doctor *doctor)
{
    struct passwd space, *user = NULL;
    char path[512], texts[4096];

    if (access("/run/systemd/system", F_OK) < 0) {
        doctor_find(doctor, "service", HINT,
                    "have something start it after the machine has started",
                    "systemd does not run here, which would start the daemon");
        return;
    }
    if (is_enabled("wormholed.service"))
        doctor_find(doctor, "service", GOOD, NULL, "wormholed.service is enabled");
    else if (is_enabled("wormholed.socket"))
        doctor_find(
            doctor, "service", GOOD, NULL,
            "wormholed.socket is enabled: the first wormctl after a login starts the daemon");
    else
        doctor_find(doctor, "service", HINT, "systemctl --user enable --now wormholed.socket",
                    "nothing starts the daemon after a login");
    if (getpwuid_r(geteuid(), &space, texts, sizeof(texts), &user) != 0)
        user = NULL;
    snprintf(path, sizeof(path), "/var/lib/systemd/linger/%s", user != NULL ? user->pw_name : "");
    if (user == NULL || access(path, F_OK) < 0)
        doctor_find(doctor, "linger", HINT, "if it should not: loginctl enable-linger",
                    "a daemon that systemd has started ends when you log out");
    else if (is_enabled("wormholed.service"))
        doctor_find(doctor, "linger", GOOD, NULL,
                    "the daemon runs while you are not logged in, too");
    else
        doctor_find(doctor, "linger", HINT, "systemctl --user enable --now wormholed.service",
                    "you need not be logged in, but until the first wormctl no daemon runs");
}

/* ---- the command ---- */

static enum exit_status run_doctor(struct wormclient *client, const struct cli_options *options)
{
    struct doctor doctor = {.options = options, .status = EXIT_DONE};
    enum exit_status status;

    (void)client;
    if (options->given[OPTION_JSON] && (doctor.findings = json_array()) == NULL)
        return report_memory();
    look_at_daemon(&doctor);
    diagnose(&doctor, NULL);
    diagnose_other_relays(&doctor);
    look_at_clock(&doctor);
    look_at_service(&doctor);
    if (doctor.findings != NULL && doctor.status != EXIT_DONE)
        report("something needs to be mended: see the findings that are bad");
    if (doctor.findings != NULL)
        status = output_object(options, doctor.findings);
    else
        status = output_flush();
    json_decref(doctor.daemon);
    return status == EXIT_DONE ? doctor.status : status;
}

const struct cli_command doctor_command = {
    .name = "doctor",
    .usage = "",
    .help = "look for what is wrong with the daemon, its surroundings and its relays",
    .details = "Looks at the socket, the daemon, its settings, the state directory, the relays, "
               "the clock\n"
               "and the service: each line is good, a hint, or bad with what to do. Works without "
               "a daemon,\n"
               "too. With --json, prints one list of objects with check, result, text and advice.",
    .local = true,
    .run = run_doctor,
};
