/* A host name becomes addresses by itself, by the hosts file or by name servers, and every address
 * gets its chance. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <event2/dns.h>
#include <event2/dns_struct.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net-world.h"
#include "net/address.h"
#include "net/dial.h"
#include "net/resolve.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

/* A directory with a resolv.conf and a hosts file, a name server, and one look-up at a time. */
struct scene {
    struct world world;
    char dir[64], resolv_conf[96], hosts[96];
    struct evdns_server_port *server;
    int server_fd;
    uint16_t server_port;
    unsigned questions;
    struct resolver *resolver;
    /* what came of it */
    bool done;
    struct address_list list;
    char why[512];
    int fd;
};

static void write_file(const char *path, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void write_file(const char *path, const char *format, ...)
{
    FILE *file = fopen(path, "w");
    va_list values;

    assert_non_null(file);
    va_start(values, format);
    vfprintf(file, format, values);
    va_end(values);
    fclose(file);
}

/* The zone. A name that is not here does not exist; of "silent" nothing is ever said. */
static const struct record {
    const char *name;
    int type;
    const char *addresses[3];
    int error;
} zone[] = {
    {"two.example", EVDNS_TYPE_A, {"127.0.0.2", "127.0.0.1"}, 0},
    {"both.example", EVDNS_TYPE_A, {"127.0.0.1"}, 0},
    {"both.example", EVDNS_TYPE_AAAA, {"::1"}, 0},
    {"six.example", EVDNS_TYPE_A, {NULL}, 0},
    {"six.example", EVDNS_TYPE_AAAA, {"::1"}, 0},
    {"no-six.example", EVDNS_TYPE_A, {"127.0.0.1"}, 0},
    {"no-six.example", EVDNS_TYPE_AAAA, {NULL}, DNS_ERR_SERVERFAILED},
    {"half-silent.example", EVDNS_TYPE_A, {"127.0.0.1"}, 0},
    {"half-silent.example", EVDNS_TYPE_AAAA, {NULL}, -1},
    {"silent.example", EVDNS_TYPE_A, {NULL}, -1},
    {"silent.example", EVDNS_TYPE_AAAA, {NULL}, -1},
    {"empty.example", EVDNS_TYPE_A, {NULL}, 0},
    {"empty.example", EVDNS_TYPE_AAAA, {NULL}, 0},
    {"refused.example", EVDNS_TYPE_A, {NULL}, DNS_ERR_REFUSED},
    {"refused.example", EVDNS_TYPE_AAAA, {NULL}, DNS_ERR_REFUSED},
    {"odd.example", EVDNS_TYPE_A, {"127.0.0.1"}, 0},
    {"odd.example", EVDNS_TYPE_AAAA, {"ff02::1"}, 0}, /* nobody can connect to a multicast group */
    {"localhost", EVDNS_TYPE_A, {"192.0.2.1"}, 0},
};

static const struct record *find_record(const struct evdns_server_question *question)
{
    for (size_t i = 0; i < LENGTH(zone); i++)
        if (strcasecmp(zone[i].name, question->name) == 0 && zone[i].type == question->type)
            return &zone[i];
    return NULL;
}

static void answer(struct evdns_server_request *request, const struct record *record)
{
    unsigned char bytes[16];

    for (size_t i = 0; i < LENGTH(record->addresses) && record->addresses[i] != NULL; i++) {
        bool four = record->type == EVDNS_TYPE_A;

        inet_pton(four ? AF_INET : AF_INET6, record->addresses[i], bytes);
        if (four)
            evdns_server_request_add_a_reply(request, record->name, 1, bytes, 60);
        else
            evdns_server_request_add_aaaa_reply(request, record->name, 1, bytes, 60);
    }
}

static void on_question(struct evdns_server_request *request, void *arg)
{
    struct scene *scene = arg;
    const struct record *record = find_record(request->questions[0]);

    scene->questions++;
    if (record != NULL && record->error < 0) {
        evdns_server_request_drop(request);
        return;
    }
    if (record != NULL)
        answer(request, record);
    evdns_server_request_respond(request, record == NULL ? DNS_ERR_NOTEXIST : record->error);
}

static void open_server(struct scene *scene)
{
    struct address_list list = {0};
    union address bound;
    socklen_t length = sizeof(bound);

    address_add_text(&list, "127.0.0.1", 0);
    scene->server_fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(scene->server_fd, &list.items[0].any, sizeof(list.items[0].v4)), 0);
    assert_int_equal(getsockname(scene->server_fd, &bound.any, &length), 0);
    scene->server_port = ntohs(bound.v4.sin_port);
    scene->server =
        evdns_add_server_port_with_base(scene->world.base, scene->server_fd, 0, on_question, scene);
    assert_non_null(scene->server);
}

static int scene_begin(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    const char *tmp = getenv("TMPDIR");

    assert_non_null(scene);
    world_begin(&scene->world, NULL);
    snprintf(scene->dir, sizeof(scene->dir), "%s/test-dial-XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(scene->dir));
    snprintf(scene->resolv_conf, sizeof(scene->resolv_conf), "%s/resolv.conf", scene->dir);
    snprintf(scene->hosts, sizeof(scene->hosts), "%s/hosts", scene->dir);
    open_server(scene);
    write_file(scene->resolv_conf, "nameserver 127.0.0.1:%u\noptions timeout:1 attempts:1\n",
               (unsigned)scene->server_port);
    write_file(scene->hosts, "# 127.0.0.9 commented\n127.0.0.3\tname Alias # tail\n"
                             "::1 name\n127.0.0.4 name\nnonsense broken\n127.0.0.5\n");
    scene->resolver = resolver_new(scene->world.base, scene->resolv_conf, scene->hosts);
    assert_non_null(scene->resolver);
    *state = scene;
    return 0;
}

static int scene_end(void **state)
{
    struct scene *scene = *state;

    resolver_free(scene->resolver);
    evdns_close_server_port(scene->server);
    world_end(&scene->world);
    close(scene->server_fd);
    unlink(scene->resolv_conf);
    unlink(scene->hosts);
    rmdir(scene->dir);
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
    static struct address_list list;
    char text[32];

    (void)state;
    assert_true(address_add_text(&list, "::1", 4000));
    assert_true(address_add_text(&list, "127.0.0.1", 4000));
    assert_true(address_add_text(&list, "::2", 4000));
    assert_true(address_add_text(&list, "127.0.0.2", 4000));
    assert_true(address_add_text(&list, "127.0.0.1", 4000));
    assert_true(address_add_text(&list, "::1", 4000));
    assert_false(address_add_text(&list, "localhost", 4000));
    assert_string_equal(list_text(&list), "127.0.0.1 127.0.0.2 ::1 ::2");
    for (int i = 0; i < 40; i++) {
        snprintf(text, sizeof(text), "2001:db8::%d", i);
        assert_true(address_add_text(&list, text, 4000));
    }
    assert_int_equal(list.count, ADDRESS_MAX);
    assert_true(address_add_text(&list, "127.0.0.3", 4000)); /* makes an IPv6 one leave */
    assert_int_equal(list.count, ADDRESS_MAX);
    assert_int_equal(list.items[2].any.sa_family, AF_INET);
    for (int i = 0; i < 40; i++) {
        snprintf(text, sizeof(text), "192.0.2.%d", i);
        assert_true(address_add_text(&list, text, 4000));
    }
    assert_int_equal(list.count, ADDRESS_MAX);
    assert_int_equal(list.items[ADDRESS_MAX - 1].any.sa_family, AF_INET);
}

static void test_names(void **state)
{
    static const struct {
        const char *host;
        const char *addresses; /* "": none */
        const char *why;
        bool asked; /* of the name server */
    } cases[] = {
        {"127.0.0.1", "127.0.0.1", "", false},
        {"::1", "::1", "", false},
        {"localhost", "127.0.0.1 ::1", "", false},
        {"relay.LocalHost", "127.0.0.1 ::1", "", false},
        {"name", "127.0.0.3 127.0.0.4 ::1", "", false},
        {"ALIAS", "127.0.0.3", "", false},
        {"both.example", "127.0.0.1 ::1", "", true},
        {"two.example", "127.0.0.2 127.0.0.1", "", true},
        {"six.example", "::1", "", true},
        {"no-six.example", "127.0.0.1", "", true},
        {"half-silent.example", "127.0.0.1", "", true},
        {"commented", "", "no such name", true},
        {"tail", "", "no such name", true},
        {"broken", "", "no such name", true},
        {"missing.example", "", "no such name", true},
        {"empty.example", "", "it has no address", true},
        {"refused.example", "", "the name server refuses to answer", true},
        {"silent.example", "", "no name server answers", true},
    };
    struct scene *scene = *state;

    for (size_t i = 0; i < LENGTH(cases); i++) {
        scene->questions = 0;
        resolve(scene, cases[i].host);
        if (strcmp(list_text(&scene->list), cases[i].addresses) != 0 ||
            strcmp(scene->why, cases[i].why) != 0)
            fail_msg("%s: %s %s", cases[i].host, list_text(&scene->list), scene->why);
        assert_int_equal(scene->questions > 0, cases[i].asked);
    }
}

/* Name servers that never answer for one family cost a moment, not their whole patience. */
static void test_half_silent(void **state)
{
    struct scene *scene = *state;
    int64_t begin = clock_monotonic();

    write_file(scene->resolv_conf, "nameserver 127.0.0.1:%u\noptions timeout:30\n",
               (unsigned)scene->server_port);
    resolve(scene, "half-silent.example");
    assert_string_equal(list_text(&scene->list), "127.0.0.1");
    assert_true(clock_monotonic() - begin < 20000);
}

/* A laptop that has changed its network asks the new name server without a restart. */
static void test_new_configuration(void **state)
{
    struct scene *scene = *state;

    write_file(scene->resolv_conf, "nameserver 127.0.0.1:%u\noptions timeout:1 attempts:1\n",
               (unsigned)world_refused_port());
    resolve(scene, "both.example");
    assert_string_equal(scene->why, "no name server answers");
    write_file(scene->resolv_conf, "nameserver 127.0.0.1:%u\n", (unsigned)scene->server_port);
    resolve(scene, "both.example");
    assert_string_equal(list_text(&scene->list), "127.0.0.1 ::1");
}

/* What is no longer wanted is never told; the resolver may go while name servers are silent. */
static void test_forgotten(void **state)
{
    static const char *const hosts[] = {"silent.example", "both.example", "127.0.0.1",
                                        "half-silent.example"};
    struct scene *scene = *state;

    for (size_t i = 0; i < LENGTH(hosts); i++) {
        scene->done = false;
        resolve_free(resolve_start(scene->resolver, hosts[i], 4000, on_resolved, scene));
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
    static const char *const hosts[] = {"both.example", "127.0.0.1", "half-silent.example",
                                        "missing.example"};
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

static void dial(struct scene *scene, struct url url, int64_t timeout)
{
    scene->done = false;
    struct dial *call =
        dial_start(scene->world.base, scene->resolver, &url, timeout, on_dialled, scene);
    assert_non_null(call);
    assert_false(scene->done);
    WAIT_FOR(&scene->world, scene->done);
    dial_free(call);
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
        {"::1", "name"},
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
            struct dial *call =
                dial_start(scene->world.base, scene->resolver, &url, 10000, on_dialled, scene);
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
        cmocka_unit_test_setup_teardown(test_names, scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(test_half_silent, scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(test_new_configuration, scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(test_forgotten, scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(test_freed_in_callback, scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(test_every_address, scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(test_refused, scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(test_not_found, scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(test_timeout, scene_begin, scene_end),
        cmocka_unit_test_setup_teardown(test_given_up, scene_begin, scene_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
