/* The relay's settings: addresses, defaults, lists and switches from every source, and what they
 * mean for its parts. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <getopt.h>

#include "base/utf8.h"
#include "relay/relay_settings.h"

#define DAY (INT64_C(24) * 3600 * 1000)

static char directory[] = "/tmp/test-relay-settings-XXXXXX";
static char file_path[sizeof(directory) + 8];

static int set_up(void **state)
{
    (void)state;
    const struct settings_table *table = relay_settings_options.table;
    for (unsigned i = 0; i < table->count; i++) {
        char variable[SETTINGS_VARIABLE_SIZE];
        settings_variable(table, &table->rows[i], variable);
        unsetenv(variable);
    }
    unsetenv("STATE_DIRECTORY");
    setenv("XDG_STATE_HOME", "/xdg", 1);
    return 0;
}

static void write_file(const char *text)
{
    FILE *file = fopen(file_path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* Runs a command line, with NULL after the last argument. */
static bool read_all(struct relay_settings *settings, char *why, const char *const *arguments)
{
    char *argv[16] = {"wormhole-relayd", "--config", file_path};
    int argc = 3;
    struct service_options options;
    while (*arguments)
        argv[argc++] = (char *)(uintptr_t)*arguments++;
    optind = 0;
    assert_true(options_parse(&relay_settings_options, argc, argv, &options));
    bool read = relay_settings_read(&options, settings, why, 512);
    options_clear(&options);
    return read;
}

#define READ(settings, ...) read_all(settings, why, (const char *const[]){__VA_ARGS__, NULL})
#define READ_FILE(settings) read_all(settings, why, (const char *const[]){NULL})

static void expect_endpoint(const union address *endpoint, const char *expected)
{
    char text[ENDPOINT_TEXT_SIZE];
    endpoint_text(endpoint, text);
    assert_string_equal(text, expected);
}

static void addresses(void **state)
{
    (void)state;
    union address endpoint;
    static const char *const right[] = {"127.0.0.1:0", "0.0.0.0:443", "[::]:4000", "[::1]:65535",
                                        "[2001:db8::1]:1"};
    static const char *const wrong[] = {
        "",          ":4000",      "127.0.0.1",   "127.0.0.1:", "::1:4000",      "[::1]4000",
        "[::1]",     "[::1",       "localhost:1", "1.2.3:4",    "1.2.3.4:65536", "1.2.3.4:-1",
        "1.2.3.4:x", "1.2.3.4:+1", "[1.2.3.4]:1"};
    for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
        assert_true(endpoint_parse(right[i], &endpoint));
        expect_endpoint(&endpoint, right[i]);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        if (endpoint_parse(wrong[i], &endpoint))
            fail_msg("'%s' was taken", wrong[i]);
}

static void defaults(void **state)
{
    (void)state;
    struct relay_settings settings;
    char why[512];
    write_file("");
    assert_true(READ_FILE(&settings));
    assert_int_equal(settings.listen.count, 1);
    expect_endpoint(&settings.listen.items[0], "127.0.0.1:4000");
    assert_int_equal(settings.metrics.count, 0);
    assert_string_equal(settings.store, "/xdg/wormhole-relayd");
    assert_int_equal(settings.retention, 30 * DAY);
    assert_int_equal(settings.max_message, 34 << 20);
    assert_int_equal(settings.client_timeout, 90000);
    assert_false(settings.no_list || settings.log_addresses || settings.ration_loopback);
    assert_null(settings.tls_cert);
    relay_settings_clear(&settings);
}

static void state_directory(void **state)
{
    (void)state;
    struct relay_settings settings;
    char why[512];
    write_file("");
    setenv("STATE_DIRECTORY", "/var/lib/a:/var/lib/b", 1);
    assert_true(READ_FILE(&settings));
    assert_string_equal(settings.store, "/var/lib/a");
    relay_settings_clear(&settings);
    assert_true(READ(&settings, "--store", "/elsewhere"));
    assert_string_equal(settings.store, "/elsewhere");
    relay_settings_clear(&settings);
}

/* On the command line several are given one by one, in a file in one line; the later source
 * replaces the whole list. */
static void lists(void **state)
{
    (void)state;
    struct relay_settings settings;
    char why[512];
    write_file("listen = 0.0.0.0:1  [::]:2\n");
    assert_true(READ_FILE(&settings));
    assert_int_equal(settings.listen.count, 2);
    expect_endpoint(&settings.listen.items[1], "[::]:2");
    relay_settings_clear(&settings);
    assert_true(
        READ(&settings, "--listen", "127.0.0.1:3", "--listen=127.0.0.1:4", "--listen", "[::1]:5"));
    assert_int_equal(settings.listen.count, 3);
    expect_endpoint(&settings.listen.items[0], "127.0.0.1:3");
    expect_endpoint(&settings.listen.items[2], "[::1]:5");
    relay_settings_clear(&settings);
}

/* What stands for several addresses; what is compared with addresses is written as they are. */
static void words_for_addresses(void **state)
{
    (void)state;
    struct relay_settings settings;
    char why[512];
    write_file("listen = :4000 localhost:4001\nmetrics-listen = localhost:4002\n"
               "trust-proxy = 10.0.0.1\t0:0:0:0::1 ::ffff:10.0.0.2\n"
               "allow-origin = https://a.example  http://b.example:8080\n");
    assert_true(READ_FILE(&settings));
    assert_in_range(settings.listen.count, 2, 3); /* not every machine has IPv6 */
    expect_endpoint(&settings.listen.items[0], "[::]:4000");
    expect_endpoint(&settings.listen.items[1], "127.0.0.1:4001");
    if (settings.listen.count == 3)
        expect_endpoint(&settings.listen.items[2], "[::1]:4001");
    assert_int_equal(settings.metrics.count, 1);
    expect_endpoint(&settings.metrics.items[0], "127.0.0.1:4002");
    assert_string_equal(settings.proxies, "10.0.0.1 ::1 10.0.0.2");
    assert_string_equal(settings.origins, "https://a.example http://b.example:8080");
    relay_settings_clear(&settings);
}

/* Each setting with each kind of bad value: it is taken, or refused in one line with its place, its
 * key and, for numbers, what may be given. */
static void every_bad_value(void **state)
{
    (void)state;
    static const char *const values[] = {"",         "-1",    "-1d",   "99999999999999999999",
                                         "5 x",      "0x10",  "1e3",   "a\x1b[2Jb",
                                         "\xc2\x9b", "$HOME", "1.5.5", "%"};
    const struct settings_table *table = relay_settings_options.table;
    for (unsigned i = 0; i < table->count; i++)
        for (size_t j = 0; j < sizeof(values) / sizeof(*values); j++) {
            struct relay_settings settings;
            char why[1024], text[256], place[128];
            snprintf(text, sizeof(text), "\n%s = %s\n", table->rows[i].key, values[j]);
            snprintf(place, sizeof(place), "%s:2: ", file_path);
            write_file(text);
            bool taken = READ_FILE(&settings);
            relay_settings_clear(&settings);
            bool bad =
                *values[j] == '\0' || utf8_has_control(values[j]) || table->rows[i].bounds != NULL;
            if (taken && bad)
                fail_msg("'%s' was taken for %s", values[j], table->rows[i].key);
            if (!taken &&
                (strncmp(why, place, strlen(place)) != 0 || utf8_has_control(why) ||
                 strstr(why + strlen(place), table->rows[i].key) == NULL ||
                 (*values[j] != '\0' && table->rows[i].bounds != NULL && !strstr(why, " to "))))
                fail_msg("with %s it says: %s", text, why);
        }
}

static void switches(void **state)
{
    (void)state;
    struct relay_settings settings;
    char why[512];
    write_file("log-addresses = yes\nration-loopback = yes\n");
    setenv("WORMHOLE_RELAYD_RATION_LOOPBACK", "no", 1);
    assert_true(READ(&settings, "--no-list"));
    assert_true(settings.no_list);
    assert_true(settings.log_addresses);
    assert_false(settings.ration_loopback);
    relay_settings_clear(&settings);
    write_file("no-list = maybe\n");
    assert_false(READ_FILE(&settings));
    assert_non_null(strstr(why, "yes or no"));
    relay_settings_clear(&settings);
}

static void refused(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"listen = example.org:4000\n", "IP address"},
        {"listen = :\n", "IP address"},
        {"listen = :65536\n", "as in 127.0.0.1:4000"},
        {"listen = localhost\n", "IP address or localhost"},
        {"listen = localhost:x\n", "IP address"},
        {"listen = localhost:400000\n", "IP address"},
        {"listen = :40000x\n", "IP address"},
        {"listen = [::1]\n", "IP address"},
        {"metrics-listen = :1 :2\n", "one IP address"},
        {"trust-proxy = nonsense\n", "as in 127.0.0.1 or ::1"},
        {"trust-proxy = 127.0.0.1:80\n", "without a port"},
        {"allow-origin = https://x.example/\n", "without a path"},
        {"allow-origin = x.example\n", "https://wormhole.example.org"},
        {"motd = a\x1b[31m\n", "without control characters"},
        {"no-list =\n", "expected yes or no"},
        {"listen = 1.2.3.4:1 1.2.3.4\n", "IP address"},
        {"metrics-listen = 1.2.3.4:1 1.2.3.4:2\n", "one IP address"},
        {"retention = 0\n", "from 1s"},
        {"require-hashcash = 41\n", "0 to 40"},
        {"max-message = 1K\n", "from 4K"},
        {"max-connections = 0\n", "from 1"},
        {"max-channels = 65537\n", "65536"},
        {"client-timeout = 0\n", "from 1s"},
        {"client-timeout = 25h\n", "to 1d"},
        {"tls-key = /k.pem\n", "without tls-cert"},
        {"keep = 1d\n", "unknown setting"},
    };
    struct relay_settings settings;
    char why[512];
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        write_file(rows[i][0]);
        assert_false(READ_FILE(&settings));
        if (!strstr(why, rows[i][1]))
            fail_msg("'%s' does not say '%s'", why, rows[i][1]);
        relay_settings_clear(&settings);
    }
}

static void meaning(void **state)
{
    (void)state;
    struct relay_settings settings;
    char why[512];
    write_file(
        "retention = 20d\nmotd = hello\nerror = gone\nmax-message = 1M\nmax-mailbox-bytes = 2M\n"
        "max-mailbox-messages = 3\nclaims-per-minute = 4\nallocations-per-minute = 0\n"
        "require-hashcash = 5\nno-list = yes\nmax-connections-per-address = 6\n"
        "client-timeout = 30s\nmax-channels = 7\n");
    assert_true(READ_FILE(&settings));
    struct rules_settings rules = relay_settings_for_rules(&settings);
    assert_string_equal(rules.motd, "hello");
    assert_string_equal(rules.error, "gone");
    assert_int_equal(rules.message_max, 1 << 20);
    assert_int_equal(rules.retention, 20 * DAY);
    assert_int_equal(rules.hashcash_bits, 5);
    assert_int_equal(rules.channels, 7);
    assert_false(rules.list);
    struct relay_limits store = relay_settings_for_store(&settings).limits;
    assert_int_equal(store.retention, 20 * DAY);
    assert_int_equal(store.mailbox_bytes, 2 << 20);
    assert_int_equal(store.mailbox_messages, 3);
    struct relay_connection_settings server = relay_settings_for_connections(&settings);
    assert_int_equal(server.rate_limits.per_minute[RULES_RATE_CLAIM], 4);
    assert_int_equal(server.rate_limits.per_minute[RULES_RATE_ALLOCATE], 0);
    assert_int_equal(server.rate_limits.connections, 6);
    assert_int_equal(server.client_timeout, 30000);
    assert_true(server.backlog_max > (2 << 20) + (1 << 20));
    assert_int_equal(server.touch_every, 3600000);
    relay_settings_clear(&settings);
}

#define TEST(function) cmocka_unit_test_setup(function, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(addresses),
        TEST(defaults),
        TEST(state_directory),
        TEST(lists),
        TEST(words_for_addresses),
        TEST(every_bad_value),
        TEST(switches),
        TEST(refused),
        TEST(meaning),
    };
    if (!mkdtemp(directory))
        return 1;
    snprintf(file_path, sizeof(file_path), "%s/config", directory);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(file_path);
    rmdir(directory);
    return failed;
}
