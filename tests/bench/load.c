/* load WHAT WORD...: puts a load on a relay and prints what came of it; see load.h. */
#include "config.h"

#include "tests/bench/load.h"

#include <event2/event.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "net/ws.h"

#define BODY_MAX 1024

void load_fail(const char *why)
{
    fprintf(stderr, "load: %s\n", why);
    exit(EXIT_FAILURE);
}

int64_t load_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void load_begin(struct load *load, const char *url)
{
    char why[256];

    if (url_parse(url, &load->url) != URL_OK)
        load_fail("that is no URL of a relay");
    load->base = event_base_new();
    load->net = load->base ? ws_net_new(load->base, NULL, why, sizeof(why)) : NULL;
    if (!load->net)
        load_fail("out of memory");
}

void load_end(struct load *load)
{
    ws_net_free(load->net);
    event_base_loop(load->base, EVLOOP_NONBLOCK);
    event_base_free(load->base);
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

void load_print_percentiles(const char *name, double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare);
    printf("%s-p50 %f\n%s-p99 %f\n", name, values[count / 2], name, values[count * 99 / 100]);
}

/* ---- talkers ---- */

/* Ours acknowledges what it reads at once, which helps relays that leave Nagle's algorithm on. This
 * load is to be that of stock clients, which do not. (The linker puts it in the place of the one in
 * net/dial.h.) */
void __wrap_dial_acknowledge(int fd);

void __wrap_dial_acknowledge(int fd)
{
    (void)fd;
}

static void on_opened(struct ws *ws, void *arg)
{
    (void)ws;
    (void)arg;
}

/* Half of what a relay says are acks, which nobody looks into: to read them as JSON would cost as
 * much as the relay spends on them. Nothing else here says that word. */
static bool is_ack(const uint8_t *data, size_t length)
{
    static const char word[] = "\"ack\"";

    return memmem(data, length, word, sizeof(word) - 1) != NULL;
}

static void on_message(struct ws *ws, const uint8_t *data, size_t length, void *arg)
{
    struct talker *talker = arg;
    struct wire_message message;

    (void)ws;
    if (is_ack(data, length))
        return;
    if (wire_parse((const char *)data, length, &message) != WIRE_OK)
        load_fail("the relay speaks in riddles");
    if (message.type == WIRE_ERROR)
        load_fail(message.error);
    if (message.type == WIRE_WELCOME)
        talker_say(talker, wire_encode_bind(LOAD_APPID, talker->side, "load"));
    talker->heard(talker, &message);
    wire_free(&message);
}

static void on_closed(struct ws *ws, const char *why, void *arg)
{
    (void)ws;
    (void)arg;
    load_fail(why);
}

static const struct ws_handlers handlers = {
    .opened = on_opened, .message = on_message, .closed = on_closed};

void talker_start(struct talker *talker, struct load *load)
{
    uint8_t bytes[(LOAD_SIDE_SIZE - 1) / 2];

    randombytes_buf(bytes, sizeof(bytes));
    sodium_bin2hex(talker->side, sizeof(talker->side), bytes, sizeof(bytes));
    talker->load = load;
    talker->ws = ws_dial(load->net, &load->url, NULL, NULL, &handlers, talker);
    if (!talker->ws)
        load_fail("out of memory");
}

void talker_say(struct talker *talker, char *text)
{
    if (!text || !ws_send(talker->ws, text, strlen(text)))
        load_fail("a message cannot be sent");
    free(text);
}

void talker_add(struct talker *talker, const char *phase, size_t bytes)
{
    uint8_t body[BODY_MAX] = {0};

    talker_say(talker, wire_encode_add(phase, body, bytes));
}

bool talker_is_echo(const struct talker *talker, const struct wire_message *message)
{
    return strcmp(message->side, talker->side) == 0;
}

void talker_stop(struct talker *talker)
{
    ws_free(talker->ws);
    talker->ws = NULL;
}

/* ---- what there is ---- */

static const struct {
    const char *name;
    int words;
    void (*run)(char **words);
} measures[] = {
    {"introductions", 3, load_introductions},
    {"latency", 2, load_latency},
    {"idle", 2, load_idle},
    {"fixed", 0, load_fixed},
    {"floor", 2, load_floor},
    {"sends", 2, load_sends},
    {"sends-floor", 3, load_sends_floor},
};

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (sodium_init() < 0)
        load_fail("no randomness");
    for (size_t i = 0; i < sizeof(measures) / sizeof(*measures); i++) {
        if (argc == measures[i].words + 2 && strcmp(argv[1], measures[i].name) == 0) {
            measures[i].run(argv + 2);
            return EXIT_SUCCESS;
        }
    }
    load_fail(
        "usage: load introductions URL AT-A-TIME COUNT | latency URL COUNT | idle URL COUNT | "
        "fixed | floor DIRECTORY COUNT | sends SOCKET COUNT | sends-floor DIRECTORY CLIENTS COUNT");
}
