/* A host name becomes addresses by itself or by what the system says, beside the event loop, and
 * every address gets its chance. Here the test is the system: getaddrinfo(3) is its own. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/timer.h"
#include "net-world.h"
#include "net/address.h"
#include "net/dial.h"
#include "net/resolve.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

/* One look-up at a time, and what came of it. */
struct scene {
    struct world world;
    struct resolver *resolver;
    bool done;
    struct address_list list;
    char why[512];
    int fd;
};

/* ---- the system's answers ---- */

/* A name that is not here does not exist. All that begin with "silent" get no answer until the
 * name servers speak. */
static const struct record {
    const char *name;
    const char *addresses[4];
    int fault;
    int error;
} zone[] = {
    {"two.example", {"127.0.0.2", "127.0.0.1"}, 0, 0},
    {"both.example", {"127.0.0.1", "::1"}, 0, 0},
    {"six-first.example", {"::1", "127.0.0.1", "::1"}, 0, 0},
    {"link.example", {"fe80::1"}, 0, 0},
    {"odd.example", {"127.0.0.1", "ff02::1"}, 0, 0}, /* nobody can connect to a multicast group */
    {"local.example", {"a Unix socket"}, 0, 0},
    {"empty.example", {NULL}, EAI_NODATA, 0},
    {"refused.example", {NULL}, EAI_FAIL, 0},
    {"unsure.example", {NULL}, EAI_AGAIN, 0},
    {"broken.example", {NULL}, EAI_SYSTEM, EIO},
    {"odder.example", {NULL}, EAI_SERVICE, 0},
    {"localhost", {"192.0.2.1"}, 0, 0},
};

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool speak;         /* all guarded: the silent ones answer … */
    unsigned silent;    /* … those who wait for them … */
    unsigned questions; /* … and how often anything was asked */
} servers = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static bool threads_fail;

int __real_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int __wrap_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int __wrap_getaddrinfo(const char *, const char *, const struct addrinfo *, struct addrinfo **);
void __wrap_freeaddrinfo(struct addrinfo *);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *arg)
{
    return threads_fail ? EAGAIN : __real_pthread_create(thread, attributes, start, arg);
}

/* What is waited for. The countdown tells for which of the waits of 3 s no time is needed. */
static int64_t last_interval;
static int countdown;
static void (*on_countdown)(void); /* what happens before that time has passed, or NULL */

struct timeval __real_timer_interval(int64_t);
struct timeval __wrap_timer_interval(int64_t);

struct timeval __wrap_timer_interval(int64_t ms)
{
    last_interval = ms;
    if (ms != 3000 || --countdown != 0)
        return __real_timer_interval(ms);
    if (on_countdown != NULL)
        on_countdown();
    return __real_timer_interval(0);
}

static unsigned questions(void)
{
    pthread_mutex_lock(&servers.mutex);
    unsigned count = servers.questions;
    pthread_mutex_unlock(&servers.mutex);
    return count;
}

static void let_speak(bool speak)
{
    pthread_mutex_lock(&servers.mutex);
    servers.speak = speak;
    servers.questions = 0;
    pthread_cond_broadcast(&servers.changed);
    pthread_mutex_unlock(&servers.mutex);
}

static void await_silent(unsigned count)
{
    pthread_mutex_lock(&servers.mutex);
    while (servers.silent != count)
        pthread_cond_wait(&servers.changed, &servers.mutex);
    pthread_mutex_unlock(&servers.mutex);
}

static void ask_servers(bool silent)
{
    pthread_mutex_lock(&servers.mutex);
    servers.questions++;
    servers.silent += silent;
    pthread_cond_broadcast(&servers.changed);
    while (silent && !servers.speak)
        pthread_cond_wait(&servers.changed, &servers.mutex);
    servers.silent -= silent;
    pthread_cond_broadcast(&servers.changed);
    pthread_mutex_unlock(&servers.mutex);
}

static struct addrinfo *make_answer(const char *text)
{
    struct {
        struct addrinfo info;
        union address address;
    } *made = calloc(1, sizeof(*made));

    made->info.ai_addr = &made->address.any;
    made->address.any.sa_family = AF_UNIX;
    if (inet_pton(AF_INET, text, &made->address.v4.sin_addr) == 1)
        made->address.any.sa_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &made->address.v6.sin6_addr) == 1)
        made->address.any.sa_family = AF_INET6;
    if (strncmp(text, "fe80:", 5) == 0)
        made->address.v6.sin6_scope_id = 7;
    return &made->info;
}

int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **ret_found)
{
    struct addrinfo **end = ret_found;

    if (service != NULL || hints->ai_family != AF_UNSPEC || hints->ai_socktype != SOCK_STREAM)
        return EAI_BADFLAGS;
    ask_servers(strncasecmp(host, "silent", 6) == 0);
    if (strncasecmp(host, "silent", 6) == 0)
        return EAI_AGAIN;
    for (size_t i = 0; i < LENGTH(zone); i++)
        if (strcmp(zone[i].name, host) == 0) {
            for (const char *const *text = zone[i].addresses; *text != NULL; text++) {
                *end = make_answer(*text);
                end = &(*end)->ai_next;
            }
            errno = zone[i].error;
            return zone[i].fault;
        }
    return EAI_NONAME;
}

void __wrap_freeaddrinfo(struct addrinfo *found)
{
    while (found != NULL) {
        struct addrinfo *next = found->ai_next;

        free(found);
        found = next;
    }
}

/* ---- the scene ---- */

static int scene_begin(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));

    assert_non_null(scene);
    world_begin(&scene->world, NULL);
    scene->resolver = resolver_new(scene->world.base);
    assert_non_null(scene->resolver);
    let_speak(false);
    *state = scene;
    return 0;
}

static int scene_end(void **state)
{
    struct scene *scene = *state;

    let_speak(true);
    resolver_free(scene->resolver);
    await_silent(0);
    world_end(&scene->world);
    free(scene);
    return 0;
}

static void on_resolved(const struct address_list *list, const char *why, void *arg)
{
    struct scene *scene = arg;

    assert_false(scene->done);
    scene->done = true;
    scene->list = *list;
    assert_int_equal(why == NULL, list->count > 0);
    snprintf(scene->why, sizeof(scene->why), "%s", why != NULL ? why : "");
}

static void resolve(struct scene *scene, const char *host)
{
    scene->done = false;
    struct resolve *look_up = resolve_start(scene->resolver, host, 4000, on_resolved, scene);
    assert_non_null(look_up);
    assert_false(scene->done); /* never from inside the call */
    WAIT_FOR(&scene->world, scene->done);
    resolve_free(look_up);
}

/* "127.0.0.1 ::1" */
static const char *list_text(const struct address_list *list)
{
    static char text[1024];
    char one[INET6_ADDRSTRLEN];

    text[0] = '\0';
    for (unsigned i = 0; i < list->count; i++) {
        const union address *address = &list->items[i];
        bool four = address->any.sa_family == AF_INET;

        inet_ntop(address->any.sa_family,
                  four ? (const void *)&address->v4.sin_addr : &address->v6.sin6_addr, one,
                  sizeof(one));
        assert_int_equal(ntohs(four ? address->v4.sin_port : address->v6.sin6_port), 4000);
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i > 0 ? " " : "", one);
    }
    return text;
}

static void test_list(void **state)
{
    static struct address_list list, copy;
    char text[32];

    (void)state;
    assert_true(address_add_text(&list, "::1", 4000));
    assert_true(address_add_text(&list, "127.0.0.1", 4000));
    assert_true(address_add_text(&list, "127.0.0.2", 4000));
    assert_true(address_add_text(&list, "127.0.0.1", 4000));
    assert_true(address_add_text(&list, "::1", 4000));
    assert_false(address_add_text(&list, "localhost", 4000));
    assert_string_equal(list_text(&list), "::1 127.0.0.1 127.0.0.2");
    for (int i = 0; i < 40; i++) {
        snprintf(text, sizeof(text), "2001:db8::%d", i);
        assert_true(address_add_text(&list, text, 1));
    }
    assert_int_equal(list.count, ADDRESS_MAX);
    assert_int_equal(list.items[1].any.sa_family, AF_INET);
    address_add_list(&copy, &list, 4000);
    assert_int_equal(copy.count, ADDRESS_MAX);
    assert_memory_equal(list_text(&copy), "::1 127.0.0.1 127.0.0.2 2001:db8:: ", 35);
}

static void test_names(void **state)
{
    static const struct {
        const char *host;
        const char *addresses; /* "": none */
        const char *why;
        bool asked; /* of the system */
    } cases[] = {
        {"127.0.0.1", "127.0.0.1", "", false},
        {"::1", "::1", "", false},
        {"localhost", "127.0.0.1 ::1", "", false},
        {"localhost.", "127.0.0.1 ::1", "", false},
        {"relay.LocalHost", "127.0.0.1 ::1", "", false},
        {"notlocalhost", "", "no such name", true},
        {"relay.onion", "", "onion services are reached through a proxy only", false},
        {"Relay.Onion.", "", "onion services are reached through a proxy only", false},
        {"both.example", "127.0.0.1 ::1", "", true},
        {"two.example", "127.0.0.2 127.0.0.1", "", true},
        {"six-first.example", "::1 127.0.0.1", "", true},
        {"missing.example", "", "no such name", true},
        {"empty.example", "", "it has no address", true},
        {"local.example", "", "it has no address", true},
        {"refused.example", "", "the name servers gave no usable answer", true},
        {"unsure.example", "", "no name server gave an answer", true},
        {"broken.example", "", "Input/output error", true},
        {"odder.example", "", "Servname not supported for ai_socktype", true},
    };
    struct scene *scene = *state;

    for (size_t i = 0; i < LENGTH(cases); i++) {
        unsigned before = questions();

        resolve(scene, cases[i].host);
        if (strcmp(list_text(&scene->list), cases[i].addresses) != 0 ||
            strcmp(scene->why, cases[i].why) != 0)
            fail_msg("%s: %s %s", cases[i].host, list_text(&scene->list), scene->why);
        assert_int_equal(questions() - before, cases[i].asked);
    }
}

/* An address that is good on one link only is used on that link. */
static void test_link(void **state)
{
    struct scene *scene = *state;

    resolve(scene, "link.example");
    assert_int_equal(scene->list.count, 1);
    assert_int_equal(scene->list.items[0].v6.sin6_scope_id, 7);
}

/* Names whose name server is dead take a thread each; other names are still found. */
static void test_dead_servers(void **state)
{
    struct resolve *silent[8];
    struct scene *scene = *state, others = {.done = false};
    char name[32];

    for (size_t i = 0; i < LENGTH(silent) - 1; i++) {
        snprintf(name, sizeof(name), "silent-%zu.example", i);
        silent[i] = resolve_start(scene->resolver, name, 4000, on_resolved, &others);
    }
    await_silent(LENGTH(silent) - 1);
    resolve(scene, "both.example");
    assert_string_equal(list_text(&scene->list), "127.0.0.1 ::1");
    assert_false(others.done);
    for (size_t i = 0; i < LENGTH(silent) - 1; i++)
        resolve_free(silent[i]);
}

static void count(const struct address_list *list, const char *why, void *arg)
{
    (void)list;
    (void)why;
    ++*(unsigned *)arg;
}

/* However often a name is asked for, it is one question, also when some no longer want to know. */
static void test_one_question(void **state)
{
    struct resolve *wanted[20];
    struct scene *scene = *state;
    unsigned answers = 0;

    for (size_t i = 0; i < LENGTH(wanted); i++)
        wanted[i] =
            resolve_start(scene->resolver, i % 2 ? "silent" : "SILENT", 4000, count, &answers);
    await_silent(1);
    for (size_t i = 0; i < LENGTH(wanted); i += 2)
        resolve_free(wanted[i]);
    for (size_t i = 0; i < LENGTH(wanted); i += 2)
        wanted[i] = resolve_start(scene->resolver, "silent", 1, count, &answers);
    assert_int_equal(questions(), 1);
    let_speak(true);
    WAIT_FOR(&scene->world, answers == LENGTH(wanted));
    world_settle(&scene->world);
    assert_int_equal(answers, LENGTH(wanted));
    assert_int_equal(questions(), 0);
    for (size_t i = 0; i < LENGTH(wanted); i++)
        resolve_free(wanted[i]);
}

/* Where no thread can be made, there is an answer all the same; and names that need none work. */
static void test_no_threads(void **state)
{
    struct scene *scene = *state;

    threads_fail = true;
    resolve(scene, "both.example");
    assert_string_equal(scene->why,
                        "too many names are being looked up, or the system is short of threads");
    resolve(scene, "localhost");
    assert_string_equal(list_text(&scene->list), "127.0.0.1 ::1");
    threads_fail = false;
    resolve(scene, "both.example");
    assert_string_equal(list_text(&scene->list), "127.0.0.1 ::1");
}

/* What is no longer wanted is never told; the resolver may go while name servers are silent. */
static void test_forgotten(void **state)
{
    static const char *const hosts[] = {"silent.example", "both.example", "127.0.0.1"};
    struct scene *scene = *state;

    for (size_t i = 0; i < LENGTH(hosts); i++) {
        struct resolve *look_up =
            resolve_start(scene->resolver, hosts[i], 4000, on_resolved, scene);

        scene->done = false;
        await_silent(1); /* the first one goes on, whoever forgets it */
        resolve_free(look_up);
        world_settle(&scene->world);
        assert_false(scene->done);
    }
    resolver_free(scene->resolver);
    scene->resolver = NULL;
    world_settle(&scene->world);
    assert_false(scene->done);
}

/* From inside its own callback. */
static void on_resolved_free(const struct address_list *list, const char *why, void *arg)
{
    struct resolve **look_up = arg;

    (void)list;
    (void)why;
    resolve_free(*look_up);
    *look_up = NULL;
}

static void test_freed_in_callback(void **state)
{
    static const char *const hosts[] = {"both.example", "127.0.0.1", "missing.example"};
    struct scene *scene = *state;

    for (size_t i = 0; i < LENGTH(hosts); i++) {
        struct resolve *look_up;

        look_up = resolve_start(scene->resolver, hosts[i], 1, on_resolved_free, &look_up);
        WAIT_FOR(&scene->world, look_up == NULL);
    }
}

static void on_dialled(int fd, const char *why, void *arg)
{
    struct scene *scene = arg;

    assert_false(scene->done);
    scene->done = true;
    scene->fd = fd;
    assert_int_equal(fd < 0, why != NULL);
    snprintf(scene->why, sizeof(scene->why), "%s", why != NULL ? why : "");
}

static void dial_to(struct scene *scene, struct url url, bool public_only, int64_t timeout)
{
    scene->done = false;
    struct dial *call = dial_start(scene->world.base, scene->resolver, &url, public_only, timeout,
                                   on_dialled, scene);
    assert_non_null(call);
    assert_false(scene->done);
    WAIT_FOR(&scene->world, scene->done);
    dial_free(call);
}

static void dial(struct scene *scene, struct url url, int64_t timeout)
{
    dial_to(scene, url, false, timeout);
}

static void assert_tuned(int fd)
{
    int on;
    socklen_t size = sizeof(on);

    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
    assert_true(on);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, &size), 0);
    assert_true(on);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

/* Listening on one address only, every name that has it among others gets through. */
static void test_every_address(void **state)
{
    static const struct {
        const char *listens;
        const char *host;
    } cases[] = {
        {"127.0.0.1", "127.0.0.1"},
        {"127.0.0.1", "localhost"},
        {"127.0.0.1", "two.example"},
        {"127.0.0.1", "both.example"},
        {"::1", "[::1]"},
        {"::1", "localhost"},
        {"::1", "both.example"},
        {"::1", "six-first.example"},
        {"127.0.0.1", "six-first.example"},
    };
    struct scene *scene = *state;

    for (size_t i = 0; i < LENGTH(cases); i++) {
        uint16_t port;

        if (strchr(cases[i].listens, ':') != NULL && !world_has_ipv6())
            continue;
        int listener = world_listen(cases[i].listens, &port);
        dial(scene, world_url("ws://%s:%u", cases[i].host, port), 10000);
        if (scene->fd < 0)
            fail_msg("%s: %s", cases[i].host, scene->why);
        assert_tuned(scene->fd);
        close(world_accept(&scene->world, listener));
        close(scene->fd);
        close(listener);
    }
}

static bool is_public(const char *text)
{
    struct address_list list = {.count = 0};

    assert_true(address_add_text(&list, text, 80));
    bool public = address_is_public(&list.items[0]);
    address_keep_public(&list);
    assert_int_equal(list.count, public);
    return public;
}

static void test_public(void **state)
{
    static const char *const yes[] = {
        "1.1.1.1",         "9.255.255.255",   "11.0.0.0",         "100.63.255.255",
        "100.128.0.0",     "172.15.255.255",  "172.32.0.0",       "192.167.255.255",
        "223.255.255.255", "2606:4700::1111", "2a00:1450::1",     "2001:4860::8888",
        "2002:101:101::1", "::ffff:1.1.1.1",  "64:ff9b::1.1.1.1",
    };
    static const char *const no[] = {
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.168.1.1",
        "198.18.0.1",
        "203.0.113.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "2001:db8::1",
        "2001::1",
        "2002:7f00:1::",
        "2002:c0a8:101::1",
        "::ffff:127.0.0.1",
        "::ffff:192.168.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "::127.0.0.1",
    };
    (void)state;

    for (size_t i = 0; i < LENGTH(yes); i++)
        if (!is_public(yes[i]))
            fail_msg("%s is public", yes[i]);
    for (size_t i = 0; i < LENGTH(no); i++)
        if (is_public(no[i]))
            fail_msg("%s is not public", no[i]);
}

/* However a private address is named, nothing is sent there. */
static void test_public_only(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost", "two.example"};
    struct scene *scene = *state;

    for (size_t i = 0; i < LENGTH(hosts); i++) {
        uint16_t port;
        int listener = world_listen("127.0.0.1", &port);
        dial_to(scene, world_url("ws://%s:%u", hosts[i], port), true, 10000);
        assert_int_equal(scene->fd, -1);
        assert_non_null(strstr(scene->why, "it has no public address"));
        assert_int_equal(accept4(listener, NULL, NULL, SOCK_NONBLOCK), -1);
        close(listener);
    }
}

static void test_refused(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost", "two.example", "odd.example"};
    struct scene *scene = *state;
    char why[256];

    for (size_t i = 0; i < LENGTH(hosts); i++) {
        uint16_t port = world_refused_port();

        dial(scene, world_url("ws://%s:%u", hosts[i], port), 10000);
        snprintf(why, sizeof(why), "cannot connect to %s:%u: Connection refused", hosts[i],
                 (unsigned)port);
        assert_string_equal(scene->why, why);
    }
}

static void test_not_found(void **state)
{
    struct scene *scene = *state;

    dial(scene, world_url("ws://missing.example:4000/v1"), 10000);
    assert_string_equal(scene->why, "cannot find the host name missing.example: no such name");
    dial(scene, world_url("ws://silent.example/"), 50);
    assert_string_equal(scene->why,
                        "cannot find the host name silent.example: no name server answers");
}

/* A machine that swallows what is sent to it: a listener whose queue is full. */
static void test_timeout(void **state)
{
    struct scene *scene = *state;
    uint16_t port;
    int listener = world_listen("127.0.0.1", &port);
    int fillers[64];
    size_t count = 0;
    struct address_list list = {0};

    address_add_text(&list, "127.0.0.1", port);
    listen(listener, 0);
    for (; count < LENGTH(fillers); count++) {
        fillers[count] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(fillers[count], &list.items[0].any, sizeof(list.items[0].v4));
    }
    dial(scene, world_url("ws://127.0.0.1:%u", port), 100);
    char why[128];
    snprintf(why, sizeof(why), "cannot connect to 127.0.0.1:%u: Connection timed out",
             (unsigned)port);
    if (scene->fd >= 0) {
        close(scene->fd); /* this kernel's queues have no end */
        print_message("# cannot make a connection wait here\n");
    } else {
        assert_string_equal(scene->why, why);
    }
    while (count > 0)
        close(fillers[--count]);
    close(listener);
}

/* The first address accepts connections, and then swallows everything. */
static int swallow(struct scene *scene, int listener)
{
    int fd = world_accept(&scene->world, listener);
    char bytes[4096];
    ssize_t length;

    do {
        world_round(&scene->world);
        length = read(fd, bytes, sizeof(bytes));
    } while (length > 0 || (length < 0 && errno == EAGAIN));
    return close(fd);
}

/* The other address is dead, and the first one only slow. */
static void test_slow_address(void **state)
{
    struct scene *scene = *state;
    uint16_t port;
    int listener = world_listen("127.0.0.2", &port);
    struct url url = world_url("ws://two.example:%u/v1", (unsigned)port);
    struct party party;
    struct raw raw;

    scene->world.options.connect_timeout = scene->world.options.handshake_timeout = 15000;
    countdown = 2;
    party_begin(&party, &scene->world);
    party_dial(&party, &url);
    swallow(scene, listener);
    raw_accept(&raw, &scene->world, listener);
    WAIT_FOR(&scene->world, raw_length(&raw) > 0);
    assert_int_equal(last_interval, 15000);
    raw_upgrade(&raw, &scene->world);
    WAIT_FOR(&scene->world, party.opened);
    party_end(&party);
    raw_end(&raw);
    close(listener);
}

/* Each with a stage of its own after TCP. */
static const struct {
    const char *scheme, *proxy; /* NULL: none */
    const char *answer;         /* how one begins */
} stages[] = {{"ws", NULL, "HTTP/1.1 "},
              {"wss", NULL, "\x16\x03\x03"},
              {"ws", "socks5h", "\x05"},
              {"ws", "http", "HTTP/1.1 "}};

/* A connection whose host, or its proxy's, has two addresses that listen. */
static int begin_stage(struct scene *scene, struct party *party, size_t stage)
{
    uint16_t port;
    int listener = world_listen("0.0.0.0", &port);
    const char *host = stages[stage].proxy == NULL ? "two.example" : "far.example";
    struct url url = world_url("%s://%s:%u/v1", stages[stage].scheme, host, (unsigned)port);
    char text[64], why[256];
    struct proxy proxy;

    scene->world.options.connect_timeout = scene->world.options.handshake_timeout = 15000;
    party_begin(party, &scene->world);
    if (stages[stage].proxy == NULL) {
        party_dial(party, &url);
        return listener;
    }
    snprintf(text, sizeof(text), "%s://two.example:%u", stages[stage].proxy, (unsigned)port);
    assert_true(proxy_parse(text, &proxy, why, sizeof(why)));
    party_dial_through(party, &url, &proxy);
    return listener;
}

/* The other address has all the time, and serves where it can. */
static void end_stage(struct scene *scene, struct party *party, size_t stage, int listener)
{
    struct raw raw;

    raw_accept(&raw, &scene->world, listener);
    WAIT_FOR(&scene->world, raw_length(&raw) > 0);
    assert_int_equal(last_interval, 15000);
    if (stage == 0) {
        raw_upgrade(&raw, &scene->world);
        WAIT_FOR(&scene->world, party->opened);
    }
    party_end(party);
    raw_end(&raw);
    close(listener);
}

static void test_swallowing(void **state)
{
    struct scene *scene = *state;

    for (size_t i = 0; i < LENGTH(stages); i++) {
        struct party party;

        countdown = 2; /* not TCP, but what comes next */
        int listener = begin_stage(scene, &party, i);
        swallow(scene, listener);
        end_stage(scene, &party, i, listener);
    }
}

/* The first address ends the connection, in whatever way, at whatever moment. */
static void test_hanging_up(void **state)
{
    static const struct linger reset = {.l_onoff = 1}, none = {.l_onoff = 0};
    static const struct {
        const char *says; /* NULL: what its stage begins with */
        bool reads, resets;
    } ends[] = {
        {"", false, true},
        {"", true, true},
        {"", true, false},
        {NULL, true, true},
        {NULL, true, false},
        {"no, thank you\r\n\r\n", true, false},
        {"HTTP/1.1 503 Service Unavailable\r\n\r\n", true, false},
        {"HTTP/1.1 200 OK\r\n\r\nAnother site", true, false},
        {"\x15\x03\x03\x00\x02\x02\x28", true, false}, /* TLS: no handshake with you */
        {"\x05\xff", true, false},                     /* SOCKS5: nor without a password */
    };
    struct scene *scene = *state;

    for (size_t i = 0; i < LENGTH(stages) * LENGTH(ends); i++) {
        size_t stage = i % LENGTH(stages), end = i / LENGTH(stages);
        const char *says = ends[end].says != NULL ? ends[end].says : stages[stage].answer;
        struct party party;
        char bytes[4096];

        countdown = 0;
        int listener = begin_stage(scene, &party, stage);
        int fd = world_accept(&scene->world, listener);
        while (ends[end].reads && read(fd, bytes, sizeof(bytes)) <= 0)
            world_round(&scene->world);
        assert_int_equal(write(fd, says, strlen(says)), strlen(says));
        setsockopt(fd, SOL_SOCKET, SO_LINGER, ends[end].resets ? &reset : &none, sizeof(reset));
        close(fd);
        end_stage(scene, &party, stage, listener);
    }
}

/* If no address has anything better to offer, the reason is that of the last one that spoke. */
static void test_all_hang_up(void **state)
{
    struct scene *scene = *state;
    struct party party;
    int listener = begin_stage(scene, &party, 0);

    countdown = 0;
    for (int i = 0; i < 2; i++)
        close(world_accept(&scene->world, listener));
    WAIT_FOR(&scene->world, party.closed);
    assert_non_null(strstr(party.why, "connection during the handshake"));
    party_end(&party);
    close(listener);
}

static struct {
    int listener, fd;
    const char *says;
} dripping;

/* In the second part of its time it is silent. */
static void drip(void)
{
    if (dripping.fd >= 0)
        return;
    dripping.fd = accept4(dripping.listener, NULL, NULL, SOCK_NONBLOCK);
    assert_true(dripping.fd >= 0);
    assert_int_equal(write(dripping.fd, dripping.says, 1), 1);
    countdown = 1;
}

/* A byte comes in time: the address is slow, and not dead, until nothing comes any more. */
static void test_dripping(void **state)
{
    struct scene *scene = *state;

    on_countdown = drip;
    for (size_t i = 0; i < LENGTH(stages); i++) {
        struct party party;
        char bytes[4096];
        ssize_t length;

        countdown = 2;
        dripping.fd = -1;
        dripping.says = stages[i].answer;
        dripping.listener = begin_stage(scene, &party, i);
        WAIT_FOR(&scene->world, dripping.fd >= 0 && countdown <= 0);
        do {
            world_round(&scene->world);
            length = read(dripping.fd, bytes, sizeof(bytes));
        } while (length > 0 || (length < 0 && errno == EAGAIN));
        close(dripping.fd);
        end_stage(scene, &party, i, dripping.listener);
    }
    on_countdown = NULL;
}

static void test_given_up(void **state)
{
    static const char *const hosts[] = {"silent.example", "localhost"};
    struct scene *scene = *state;
    uint16_t port;
    int listener = world_listen("127.0.0.1", &port);

    for (size_t i = 0; i < LENGTH(hosts); i++)
        for (int rounds = 0; rounds < 3; rounds++) {
            struct url url = world_url("ws://%s:%u", hosts[i], port);

            scene->done = false;
            struct dial *call = dial_start(scene->world.base, scene->resolver, &url, false, 10000,
                                           on_dialled, scene);
            for (int round = 0; round < rounds; round++)
                event_base_loop(scene->world.base, EVLOOP_NONBLOCK);
            if (scene->done)
                close(scene->fd);
            scene->done = true;
            dial_free(call);
            scene->done = false;
            world_settle(&scene->world);
            assert_false(scene->done);
        }
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_public),
        cmocka_unit_test_setup_teardown(test_public_only, scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(test_names, scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(test_link, scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(test_dead_servers, scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(test_one_question, scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(test_no_threads, scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(test_forgotten, scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(test_freed_in_callback, scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(test_every_address, scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(test_refused, scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(test_not_found, scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(test_timeout, scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(test_swallowing, scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(test_slow_address, scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(test_hanging_up, scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(test_all_hang_up, scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(test_dripping, scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(test_given_up, scene_begin, scene_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
