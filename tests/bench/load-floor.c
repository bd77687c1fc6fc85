/* What no relay on LMDB and WebSockets can be faster than: one durable commit; one message there
 * and back between two processes. */
#include "config.h"

#include <event2/event.h>
#include <lmdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/ws.h"
#include "tests/bench/load.h"

#define RECORD_BYTES 512
#define MAP_BYTES    ((size_t)64 << 20)

static void check(int status)
{
    if (status)
        load_fail(mdb_strerror(status));
}

/* ---- commits ---- */

static double commit_once(MDB_env *env, MDB_dbi table, size_t number)
{
    char record[RECORD_BYTES] = {0};
    MDB_val key = {sizeof(number), &number}, value = {sizeof(record), record};
    int64_t started = load_now();
    MDB_txn *txn;

    check(mdb_txn_begin(env, NULL, 0, &txn));
    check(mdb_put(txn, table, &key, &value, 0));
    check(mdb_txn_commit(txn));
    return (double)(load_now() - started) / 1000;
}

static void measure_commits(const char *directory, double *times, size_t count)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi table;

    if (mkdir(directory, 0700))
        load_fail("the directory exists, or cannot be made");
    check(mdb_env_create(&env));
    check(mdb_env_set_mapsize(env, MAP_BYTES));
    check(mdb_env_open(env, directory, 0, 0600));
    check(mdb_txn_begin(env, NULL, 0, &txn));
    check(mdb_dbi_open(txn, NULL, MDB_INTEGERKEY, &table));
    check(mdb_txn_commit(txn));
    for (size_t i = 0; i < count; i++)
        times[i] = commit_once(env, table, i);
    mdb_env_close(env);
    load_print_percentiles("commit-ms", times, count);
}

/* ---- round trips ---- */

static void on_opened(struct ws *ws, void *arg)
{
    (void)ws;
    (void)arg;
}

static void send_back(struct ws *ws, const uint8_t *data, size_t length, void *arg)
{
    (void)arg;
    ws_send(ws, (const char *)data, length);
}

static void on_gone(struct ws *ws, const char *why, void *arg)
{
    (void)ws;
    (void)why;
    event_base_loopbreak(arg);
}

/* The child: says everything back to one client. */
_Noreturn static void echo(int listener)
{
    static const struct ws_handlers handlers = {
        .opened = on_opened, .message = send_back, .closed = on_gone};
    struct event_base *base = event_base_new();
    char why[256];
    struct ws_net *net = base ? ws_net_new(base, NULL, why, sizeof(why)) : NULL;
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (!net || fd < 0 || !ws_accept(net, fd, NULL, &handlers, base))
        load_fail("no echo");
    event_base_dispatch(base);
    _exit(0);
}

struct trips {
    struct load load;
    double *times; /* ms */
    size_t count, done;
    int64_t said;
};

static void say(struct trips *trips, struct ws *ws)
{
    static const char text[RECORD_BYTES] = "{";

    trips->said = load_now();
    ws_send(ws, text, strlen(text));
}

static void on_ready(struct ws *ws, void *arg)
{
    say(arg, ws);
}

static void on_back(struct ws *ws, const uint8_t *data, size_t length, void *arg)
{
    struct trips *trips = arg;

    (void)data;
    (void)length;
    trips->times[trips->done++] = (double)(load_now() - trips->said) / 1000;
    if (trips->done < trips->count)
        say(trips, ws);
    else
        event_base_loopbreak(trips->load.base);
}

static void on_lost(struct ws *ws, const char *why, void *arg)
{
    (void)ws;
    (void)arg;
    load_fail(why);
}

int load_listen(char *ret_url, size_t size, int backlog)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) || listen(fd, backlog) ||
        getsockname(fd, (struct sockaddr *)&address, &length))
        load_fail("cannot listen");
    snprintf(ret_url, size, "ws://127.0.0.1:%u/", ntohs(address.sin_port));
    return fd;
}

static void measure_trips(double *times, size_t count)
{
    static const struct ws_handlers handlers = {
        .opened = on_ready, .message = on_back, .closed = on_lost};
    struct trips trips = {.times = times, .count = count};
    char url[64];
    int listener = load_listen(url, sizeof(url), 1);
    pid_t child = fork();
    struct ws *ws;

    if (child == 0)
        echo(listener);
    load_begin(&trips.load, url);
    ws = ws_dial(trips.load.net, &trips.load.url, NULL, NULL, &handlers, &trips);
    if (child < 0 || !ws)
        load_fail("no echo");
    event_base_dispatch(trips.load.base);
    ws_free(ws);
    load_end(&trips.load);
    close(listener);
    kill(child, SIGTERM);
    waitpid(child, NULL, 0);
    load_print_percentiles("round-trip-ms", times, count);
}

void load_floor(char **words)
{
    size_t count = strtoul(words[1], NULL, 10);
    double *times = calloc(count + 1, sizeof(*times));

    if (!times || count == 0)
        load_fail("so many cannot be measured");
    measure_commits(words[0], times, count);
    measure_trips(times, count);
    free(times);
}
