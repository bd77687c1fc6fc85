/* Settings: each source over the one before it, everything checked, and errors that say where. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "daemon/settings.h"

#define DAY (INT64_C(24) * 3600 * 1000)

static char directory[] = "/tmp/test-settings-XXXXXX";
static char file_path[sizeof(directory) + 8];

/* An environment in which nothing of ours is set, and HOME and XDG_RUNTIME_DIR are known. */
static int set_up(void **state)
{
    (void)state;
    const struct settings_table *table = settings_options.table;
    for (unsigned i = 0; i < table->count; i++) {
        char variable[SETTINGS_VARIABLE_SIZE];
        settings_variable(table, &table->rows[i], variable);
        unsetenv(variable);
    }
    unsetenv("XDG_STATE_HOME");
    unsetenv("XDG_CONFIG_HOME");
    setenv("HOME", "/home/somebody", 1);
    setenv("XDG_RUNTIME_DIR", "/run/user/somebody", 1);
    return 0;
}

static void write_file(const char *text, size_t length)
{
    FILE *file = fopen(file_path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    assert_int_equal(fchmod(fileno(file), 0600), 0);
    fclose(file);
}

/* Runs a command line; up to three arguments. */
static bool read_all_of(struct settings *settings, char *why, size_t size, const char *first,
                        const char *second, const char *third)
{
    char *argv[] = {"wormholed",
                    "--config",
                    file_path,
                    (char *)(uintptr_t)first,
                    (char *)(uintptr_t)second,
                    (char *)(uintptr_t)third,
                    NULL};
    int argc = 3 + (first != NULL) + (second != NULL) + (third != NULL);
    struct service_options options;
    optind = 0;
    assert_true(options_parse(&settings_options, argc, argv, &options));
    bool read = settings_read(&options, settings, why, size);
    options_clear(&options);
    return read;
}

static bool read_all(struct settings *settings, char *why, const char *first, const char *second,
                     const char *third)
{
    return read_all_of(settings, why, 512, first, second, third);
}

static void defaults(void **state)
{
    (void)state;
    struct settings settings;
    char why[512];
    write_file("", 0);
    assert_true(read_all(&settings, why, NULL, NULL, NULL));
    assert_string_equal(settings.state, "/home/somebody/.local/state/wormholed");
    assert_string_equal(settings.socket, "/run/user/somebody/wormholed/socket");
    assert_string_equal(settings.relay, DEFAULT_RELAY);
    assert_null(settings.cafile);
    assert_int_equal(settings.log_level, LOG_LEVEL_INFO);
    assert_int_equal(settings.max_store_size, 0);
    assert_int_equal(settings.keep, 30 * DAY);
    assert_int_equal(settings.max_connections, 1024);
    assert_true(settings.share_connections);
    assert_int_equal(settings.proxy.what, SETTINGS_PROXY_UNSAID);
    assert_string_equal(settings.relay_from, "built in");
    assert_string_equal(settings.config_file, file_path);
    settings_clear(&settings);
}

static void every_key_in_a_file(void **state)
{
    (void)state;
    static const char text[] = "# a comment\n"
                               "\n"
                               "   # another\n"
                               "state=/s\n"
                               "\tsocket =  /with a blank and;#in it  \n"
                               "relay = wss://example.org/v1\r\n"
                               "log-level = debug\n"
                               "cafile = /ca.pem # the proxy's; with what it signs\n"
                               "; one more comment\n"
                               "proxy: socks5h://user:secret@proxy:1 ; and another\n"
                               "max-store-size = 2G\n"
                               "keep = 12h\n"
                               "max-connections = 7"; /* no newline at the end */
    struct settings settings;
    char why[512];
    write_file(text, sizeof(text) - 1);
    assert_true(read_all(&settings, why, NULL, NULL, NULL));
    assert_string_equal(settings.state, "/s");
    assert_string_equal(settings.socket, "/with a blank and;#in it");
    assert_string_equal(settings.relay, "wss://example.org/v1");
    assert_string_equal(settings.cafile, "/ca.pem");
    assert_int_equal(settings.proxy.what, SETTINGS_PROXY_GIVEN);
    assert_string_equal(settings.proxy.proxy->password, "secret");
    assert_int_equal(settings.log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(settings.max_store_size, INT64_C(2) << 30);
    assert_int_equal(settings.keep, DAY / 2);
    assert_int_equal(settings.max_connections, 7);
    settings_clear(&settings);
}

static void order_of_sources(void **state)
{
    (void)state;
    struct settings settings;
    char why[512];
    static const char text[] = "relay = ws://file/\nkeep = 1d\nlog-level = error\n";
    write_file(text, sizeof(text) - 1);
    setenv("WORMHOLED_RELAY", "ws://environment/", 1);
    setenv("WORMHOLED_KEEP", "2d", 1);
    setenv("WORMHOLED_LOG_LEVEL", "", 1); /* empty is unset */
    assert_true(read_all(&settings, why, "--relay", "ws://line/", "--foreground"));
    assert_string_equal(settings.relay, "ws://line/");
    assert_int_equal(settings.keep, 2 * DAY);
    assert_int_equal(settings.log_level, LOG_LEVEL_ERROR);
    settings_clear(&settings);
}

/* `status` tells where the default relay was set. */
static void where_the_relay_comes_from(void **state)
{
    (void)state;
    static const char text[] = "relay = ws://file/\n";
    struct settings settings;
    char why[512];
    write_file(text, sizeof(text) - 1);
    assert_true(read_all(&settings, why, NULL, NULL, NULL));
    assert_string_equal(settings.relay, "ws://file/");
    assert_string_equal(settings.relay_from, "configuration file");
    settings_clear(&settings);
    setenv("WORMHOLED_RELAY", "ws://environment/", 1);
    assert_true(read_all(&settings, why, NULL, NULL, NULL));
    assert_string_equal(settings.relay, "ws://environment/");
    assert_string_equal(settings.relay_from, "environment");
    settings_clear(&settings);
    assert_true(read_all(&settings, why, "--relay=ws://line/", NULL, NULL));
    assert_string_equal(settings.relay, "ws://line/");
    assert_string_equal(settings.relay_from, "command line");
    settings_clear(&settings);
}

/* Without --config it is the usual file, if there is one. */
static void usual_file(void **state)
{
    (void)state;
    static const struct service_options none;
    struct settings settings;
    char why[512], place[sizeof(directory) + 32];
    setenv("XDG_CONFIG_HOME", directory, 1);
    assert_true(settings_read(&none, &settings, why, sizeof(why)));
    assert_null(settings.config_file);
    settings_clear(&settings);
    snprintf(place, sizeof(place), "%s/wormholed", directory);
    assert_int_equal(mkdir(place, 0700), 0);
    snprintf(place, sizeof(place), "%s/wormholed/wormholed.conf", directory);
    write_file("keep = 1d\n", 10);
    assert_int_equal(rename(file_path, place), 0);
    assert_true(settings_read(&none, &settings, why, sizeof(why)));
    assert_string_equal(settings.config_file, place);
    assert_int_equal(settings.keep, DAY);
    settings_clear(&settings);
    unlink(place);
    *strrchr(place, '/') = 0;
    rmdir(place);
}

static void secrets_leave_the_command_line(void **state)
{
    (void)state;
    char url[] = "--proxy=http://user:secret@proxy:1";
    struct settings settings;
    char why[512];
    write_file("", 0);
    assert_true(read_all(&settings, why, url, NULL, NULL));
    assert_string_equal(settings.proxy.proxy->password, "secret");
    assert_string_equal(url, "--proxy=");
    settings_clear(&settings);
}

/* ---- sections ---- */

static struct url url_of(const char *text)
{
    struct url url;
    assert_int_equal(url_parse(text, &url), URL_OK);
    return url;
}

#define PIN         "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define ANOTHER_PIN "sha256:ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3hcYPWC4="

static const char with_sections[] = "\xef\xbb\xbfproxy = http://general:1\n"
                                    "[appid \"lothar.com/wormhole/text-or-file-xfer\"]\n"
                                    "schedule = 0:0.5,300:60\n"
                                    "timeout = 2h\n"
                                    "expire = 3h\n"
                                    "words = 5\n"
                                    "relay = ws://its.own/v1\r\n"
                                    "  [ appid   \"quotes \" and [brackets]\" ]  \r\n"
                                    "words = 6\n"
                                    "[relay \"wss://Direct.example/v1\"]\n"
                                    "proxy = none\n"
                                    "cafile = /ca.pem\n"
                                    "pin = " PIN " " ANOTHER_PIN "\n"
                                    "[relay \"ws://proxied.example:4000/v1\"]\n"
                                    "proxy = socks5h://special:2\n"
                                    "[appid \"says nothing\"]\n";

static void sections_of_applications(void **state)
{
    (void)state;
    struct settings settings;
    char why[512];
    write_file(with_sections, sizeof(with_sections) - 1);
    assert_true(read_all(&settings, why, NULL, NULL, NULL));
    const struct settings_appid *appid =
        settings_for_appid(&settings, "lothar.com/wormhole/text-or-file-xfer");
    assert_string_equal(appid->schedule, "0:0.5,300:60");
    assert_int_equal(appid->timeout, 7200000);
    assert_int_equal(appid->expire, 10800000);
    assert_int_equal(appid->words, 5);
    assert_string_equal(appid->relay, "ws://its.own/v1");
    assert_int_equal(settings_for_appid(&settings, "quotes \" and [brackets]")->words, 6);
    appid = settings_for_appid(&settings, "unknown");
    assert_true(!appid->schedule && !appid->relay && appid->timeout == 0 && appid->words == 0);
    settings_clear(&settings);
}

static void sections_of_relays(void **state)
{
    (void)state;
    struct settings settings;
    char why[512];
    struct url direct = url_of("wss://direct.example:443/v1"), other = url_of("ws://other/v1");
    struct url proxied = url_of("ws://proxied.example:4000/v1");
    write_file(with_sections, sizeof(with_sections) - 1);
    assert_true(read_all(&settings, why, NULL, NULL, NULL));
    assert_null(settings_proxy(&settings, &direct));
    assert_string_equal(settings_cafile(&settings, &direct), "/ca.pem");
    assert_string_equal(settings_proxy(&settings, &proxied)->url.host, "special");
    assert_string_equal(settings_proxy(&settings, &other)->url.host, "general");
    assert_null(settings_cafile(&settings, &other));
    assert_int_equal(settings_pins(&settings, &direct)->count, 2);
    assert_int_equal(settings_pins(&settings, &direct)->items[1].sha256[0], 0xca);
    assert_int_equal(settings_pins(&settings, &proxied)->count, 0);
    assert_null(settings_pins(&settings, &other));
    settings_clear(&settings);
}

/* Which relays' sessions are kept apart at the proxy, and which proxies could not do so. */
static void isolation(void **state)
{
    enum {
        BAD = -1,
        NONE = SETTINGS_ISOLATION_NONE,
        OFFERED = SETTINGS_ISOLATION_OFFERED,
        REQUIRED = SETTINGS_ISOLATION_REQUIRED
    };
    static const struct {
        const char *general, *section;
        int plain, onion; /* of ws://r/v1, and of ws://r.onion/v1, to which the section belongs */
    } cases[] = {
        {"", "", NONE, NONE},
        {"isolate-sessions = yes\n", "", NONE, NONE}, /* there is no proxy */
        {"proxy = socks5h://p\n", "", NONE, OFFERED},
        {"proxy = http://p\n", "", NONE, NONE},
        {"proxy = socks5h://me:x@p\n", "", NONE, NONE},
        {"proxy = socks5h://p\n", "isolate-sessions = no\n", NONE, NONE},
        {"proxy = socks5h://p\n", "isolate-sessions = yes\n", NONE, REQUIRED},
        {"proxy = socks5h://p\nisolate-sessions = no\n", "", NONE, NONE},
        {"proxy = socks5h://p\nisolate-sessions = yes\n", "", REQUIRED, REQUIRED},
        {"proxy = socks5h://p\nisolate-sessions = yes\n", "isolate-sessions = no\n", REQUIRED,
         NONE},
        {"proxy = socks5h://p\nisolate-sessions = yes\n", "proxy = none\n", REQUIRED, NONE},
        {"isolate-sessions = yes\n", "proxy = socks5h://p\n", NONE, REQUIRED},
        {"proxy = http://p\nisolate-sessions = yes\n", "", BAD, 2},
        {"proxy = socks5h://me@p\nisolate-sessions = yes\n", "", BAD, 2},
        {"proxy = socks5h://p\nisolate-sessions = yes\n", "proxy = http://p\n", BAD, 3},
        {"proxy = http://p\n", "isolate-sessions = yes\n", BAD, 2},
    };
    struct url plain = url_of("ws://r/v1"), onion = url_of("ws://r.onion/v1");
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct settings settings;
        char text[256], why[512], expected[256];
        snprintf(text, sizeof(text), "%s[relay \"ws://r.onion/v1\"]\n%s", cases[i].general,
                 cases[i].section);
        write_file(text, strlen(text));
        bool good = read_all_of(&settings, why, sizeof(why), "--check-config", NULL, NULL);
        snprintf(expected, sizeof(expected), "%s:%d: isolate-sessions needs a socks5h:// proxy",
                 file_path, cases[i].onion);
        if (good != (cases[i].plain != BAD) ||
            (!good && strncmp(why, expected, strlen(expected)) != 0))
            fail_msg("case %zu: %s, '%s'", i, good ? "taken" : "refused", good ? "" : why);
        if (good && ((int)settings_isolation(&settings, &plain) != cases[i].plain ||
                     (int)settings_isolation(&settings, &onion) != cases[i].onion))
            fail_msg("case %zu", i);
        settings_clear(&settings);
    }
}

/* A setting that protects is never ignored in silence. */
static void refused_pins(void **state)
{
    static const struct {
        const char *url, *value, *why;
    } cases[] = {
        {"wss://r/v1", "sha256:short=", "a pin is sha256: and the 44 characters"},
        {"wss://r/v1", PIN "," ANOTHER_PIN, "a pin is sha256: and the 44 characters"},
        {"ws://r/v1", PIN, "only a relay with a wss:// URL"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct settings settings;
        char text[256], why[512], expected[512];
        snprintf(text, sizeof(text), "[relay \"%s\"]\npin = %s\n", cases[i].url, cases[i].value);
        snprintf(expected, sizeof(expected), "%s:2: invalid value '%s' for pin: %s", file_path,
                 cases[i].value, cases[i].why);
        write_file(text, strlen(text));
        assert_false(read_all(&settings, why, NULL, NULL, NULL));
        if (strncmp(why, expected, strlen(expected)) != 0)
            fail_msg("'%s' does not begin with '%s'", why, expected);
        settings_clear(&settings);
    }
}

static void too_many_sections(void **state)
{
    (void)state;
    char text[8192], why[512], place[sizeof(file_path) + 8];
    struct settings settings;
    for (int kind = 0; kind < 2; kind++) {
        size_t length = 0;
        for (int i = 0; i <= SETTINGS_SECTIONS_MAX; i++)
            length +=
                (size_t)snprintf(text + length, sizeof(text) - length,
                                 kind == 0 ? "[appid \"%d\"]\n" : "[relay \"ws://h/%d\"]\n", i);
        write_file(text, length);
        assert_false(read_all(&settings, why, NULL, NULL, NULL));
        snprintf(place, sizeof(place), "%s:65:", file_path);
        assert_non_null(strstr(why, place));
        assert_non_null(strstr(why, "more than 64"));
        settings_clear(&settings);
    }
}

static void replaced(void **state)
{
    (void)state;
    static const char text[] = "keep = 2d\nmax-store-size = 2M\n[appid \"a\"]\nwords = 4\n";
    struct settings settings, fresh;
    char why[512];
    write_file("keep = 1d\n", 10);
    assert_true(read_all(&settings, why, "--state=/old", "--socket=/old/s", NULL));
    write_file(text, sizeof(text) - 1);
    assert_true(read_all(&fresh, why, "--state=/new", "--socket=/new/s", NULL));
    log_set_level(LOG_LEVEL_ERROR);
    settings_replace(&settings, &fresh, false);
    log_set_level(LOG_LEVEL_INFO);
    assert_string_equal(settings.state, "/old");
    assert_string_equal(settings.socket, "/old/s");
    assert_int_equal(settings.max_store_size, 0);
    assert_int_equal(settings.keep, 2 * DAY);
    assert_int_equal(settings_for_appid(&settings, "a")->words, 4);
    settings_clear(&settings);
}

static void relative_paths(void **state)
{
    (void)state;
    struct settings settings;
    char why[512], expected[sizeof(directory) + 8];
    write_file("", 0);
    assert_int_equal(chdir(directory), 0);
    assert_true(read_all(&settings, why, "--state", "s", "--socket=t"));
    snprintf(expected, sizeof(expected), "%s/s", directory);
    assert_string_equal(settings.state, expected);
    snprintf(expected, sizeof(expected), "%s/t", directory);
    assert_string_equal(settings.socket, expected);
    settings_clear(&settings);
}

/* "~" is the home directory wherever a path is given; what only a shell understands is refused. */
static void home_in_paths(void **state)
{
    (void)state;
    static const char text[] = "state = ~/wormholes\nsocket = ~/s\ncafile = ~\n"
                               "[relay \"ws://r/v1\"]\ncafile = ~/x/~y\n";
    static const char *const refused[] = {"--state=~bob/w",    "--socket=~~",
                                          "--cafile=$HOME/ca", "--state=\"/tmp/w\"",
                                          "--state='/tmp/w'",  "--state=%h/w"};
    struct settings settings;
    struct url url;
    char why[512];
    write_file(text, sizeof(text) - 1);
    assert_true(read_all(&settings, why, NULL, NULL, NULL));
    assert_string_equal(settings.state, "/home/somebody/wormholes");
    assert_string_equal(settings.socket, "/home/somebody/s");
    assert_string_equal(settings.cafile, "/home/somebody");
    assert_int_equal(url_parse("ws://r/v1", &url), URL_OK);
    assert_string_equal(settings_cafile(&settings, &url), "/home/somebody/x/~y");
    settings_clear(&settings);
    setenv("WORMHOLED_STATE", "~/from-environment", 1);
    assert_true(read_all(&settings, why, "--socket=~/from-line", NULL, NULL));
    unsetenv("WORMHOLED_STATE");
    assert_string_equal(settings.state, "/home/somebody/from-environment");
    assert_string_equal(settings.socket, "/home/somebody/from-line");
    settings_clear(&settings);
    write_file("", 0);
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        assert_false(read_all(&settings, why, refused[i], NULL, NULL));
        assert_non_null(strstr(why, "path"));
        settings_clear(&settings);
    }
    assert_true(read_all(&settings, why, "--state=./~bob", "--socket=a~b", NULL));
    settings_clear(&settings);
}

static void state_home(void **state)
{
    (void)state;
    struct settings settings;
    char why[512];
    write_file("", 0);
    setenv("XDG_STATE_HOME", "/xdg", 1);
    assert_true(read_all(&settings, why, NULL, NULL, NULL));
    assert_string_equal(settings.state, "/xdg/wormholed");
    settings_clear(&settings);
    setenv("XDG_STATE_HOME", "relative/is/invalid", 1);
    assert_true(read_all(&settings, why, NULL, NULL, NULL));
    assert_string_equal(settings.state, "/home/somebody/.local/state/wormholed");
    settings_clear(&settings);
}

static void no_runtime_directory(void **state)
{
    (void)state;
    struct settings settings;
    char why[512], standard[128], runtime[64];
    struct stat there;
    write_file("", 0);
    unsetenv("XDG_RUNTIME_DIR");
    setenv("XDG_STATE_HOME", "/state", 1);
    snprintf(runtime, sizeof(runtime), "/run/user/%d", (int)getuid());
    snprintf(standard, sizeof(standard), "%s/wormholed/socket",
             stat(runtime, &there) == 0 && there.st_uid == getuid() ? runtime : "/state");
    assert_true(read_all(&settings, why, NULL, NULL, NULL));
    assert_string_equal(settings.socket, standard);
    settings_clear(&settings);
    unsetenv("XDG_STATE_HOME");
}

/* A file with this text is refused, with a sentence that has both parts. */
static void refuse_file(const char *text, size_t length, const char *where, const char *what)
{
    struct settings settings;
    char why[512], place[sizeof(file_path) + 16];
    write_file(text, length);
    assert_false(read_all(&settings, why, NULL, NULL, NULL));
    snprintf(place, sizeof(place), "%s%s", file_path, where);
    assert_non_null(strstr(why, place));
    if (!strstr(why, what))
        fail_msg("'%s' does not say '%s'", why, what);
    settings_clear(&settings);
}

static void refused_files(void **state)
{
    (void)state;
    static const struct {
        const char *text, *where, *what;
    } rows[] = {
        {"# fine\n\nrelais = ws://x/\n", ":3:", "relais"},
        {"keep\n", ":1:", "key = value"},
        {"keep =\n", ":1:", "keep"},
        {"= 5\n", ":1:", "unknown setting"},
        {"keep = 1d\nkeep = 1d\n", ":2:", "second time"},
        {"keep = soon\n", ":1:", "soon"},
        {"keep = -1d\n", ":1:", "-1d"},
        {"keep = 1dd\n", ":1:", "1dd"},
        {"keep = 99999999999999999999\n", ":1:", "9999"},
        {"keep = 36501d\n", ":1:", "36501d"},
        {"state = /a\x1b[2J\n", ":1:", "'/a?[2J' for state: expected a path without control"},
        {"keeps = 1d\n", ":1:", "did you mean 'keep'?"},
        {"relay = ws://r/v1\n\nrelay = ws://s/v1\n",
         ":3:", "after line 1: if this one belongs in a section, a line [appid"},
        {"timeout = 1h\n", ":1:", "'timeout': it belongs in a section, after a line [appid \"…\"]"},
        {"relay = ws://x/v1#mine\n", ":1:", "as in wss://relay.example.org/v1"},
        {"max-store-size = 5x\n", ":1:", "5x"},
        {"max-store-size = 1K\n", ":1:", "1K"},
        {"max-store-size = 18446744073709551615T\n", ":1:", "T"},
        {"max-store-size = 16777216T\n", ":1:", "T"}, /* 2 to the 64th */
        {"max-connections = 0\n", ":1:", "from 1"},
        {"max-connections = 1K\n", ":1:", "1K"},
        {"max-connections = 65537\n", ":1:", "65537"},
        {"share-connections = maybe\n", ":1:", "yes or no"},
        {"log-level = chatty\n", ":1:", "chatty"},
        {"relay = http://x/\n", ":1:", "http://x/"},
        {"proxy = ftp://user:secret@x\n", ":1:", "invalid value for proxy"},
        {"\n[appid]\nwords = 3\n", ":2:", "[kind"},
        {"[appid \"x\n", ":1:", "[kind"},
        {"[appid x]\n", ":1:", "[kind"},
        {"[]\n", ":1:", "[kind"},
        {"[\n", ":1:", "[kind"},
        {"[\"]\n", ":1:", "[kind"},
        {"[appid \"x\"] y\n", ":1:", "[kind"},
        {"[peer \"x\"]\n", ":1:", "kind 'peer'"},
        {"[appid \"\"]\n", ":1:", "1 to 128"},
        {"[appid \"a\"]\nwords = 3\n\n[appid \"a\"]\n", ":4:", "duplicate section"},
        {"[relay \"ws://a/\"]\n[relay \"ws://a:80/\"]\n", ":2:", "duplicate section"},
        {"[relay \"http://a/\"]\n", ":1:", "ws://"},
        {"[appid \"a\"]\nkeep = 3d\n",
         ":2:", "'keep' in [appid …]; expected relay, schedule, timeout, expire, words"},
        {"[appid \"a\"]\nwords = 3\nwords = 3\n", ":3:", "second time"},
        {"[appid \"a\"]\nwords = 17\n", ":2:", "1 to 16"},
        {"[appid \"a\"]\ntimeout = 367d\n", ":2:", "366d"},
        {"[appid \"a\"]\nexpire = 0.5s\n", ":2:", "1s"},
        {"[appid \"a\"]\nschedule = often\n", ":2:", "often"},
        {"[appid \"a\"]\nrelay = x\n", ":2:", "'x'"},
        {"[relay \"ws://a/\"]\nproxy = x\n", ":2:", "invalid value for proxy"},
        {"keep = 1d\n# \xff\n", ":2:", "UTF-8"},
        {"keep = 1d\nnonsense\nrubbish = 1\n", ":2:", "key = value"},
        {"keep = 1d\nrubbish = 1\nnonsense\n", ":2:", "rubbish"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        refuse_file(rows[i].text, strlen(rows[i].text), rows[i].where, rows[i].what);
    refuse_file("keep = 1d\0\n", 11, "", "not text");
    refuse_file("keep = 1d\n#\0", 12, ":2:", "not text");
}

/* Every mistake of every source is told, in their order; what follows a wrong header is not. */
static void all_mistakes(void **state)
{
    (void)state;
    static const char text[] = "keep = soon\nrelais = ws://r/v1\n[apid \"a\"]\nwords = 0\n"
                               "[appid \"b\"] # of an example\nwords = 0\nexpire = -1d\n";
    static const char *const expected[] = {
        "config:1: ",   "config:2: ", "config:3: ",
        "config:6: ",   "config:7: ", "WORMHOLED_MAX_CONNECTIONS: ",
        "--log-level: "};
    struct settings settings;
    char why[4096], *rest = why;
    write_file(text, sizeof(text) - 1);
    setenv("WORMHOLED_MAX_CONNECTIONS", "a\nb", 1);
    assert_false(read_all_of(&settings, why, sizeof(why), "--log-level=loud", NULL, NULL));
    for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
        const char *line = strsep(&rest, "\n");
        if (line == NULL || strstr(line, expected[i]) == NULL)
            fail_msg("'%s' is not about %s", line != NULL ? line : "", expected[i]);
    }
    assert_null(rest);
    settings_clear(&settings);
}

/* If there is no room for all, that is said. */
static void many_mistakes(void **state)
{
    (void)state;
    static const char last[] = "\nthere are more mistakes: mend these first";
    char text[4000] = "", why[512];
    struct settings settings;
    for (int i = 0; i < 100; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "nonsense%d = 1\n", i);
    write_file(text, strlen(text));
    assert_false(read_all(&settings, why, NULL, NULL, NULL));
    assert_true(strlen(why) < sizeof(why));
    assert_string_equal(why + strlen(why) - strlen(last), last);
    settings_clear(&settings);
}

/* --print-config: each value as it is in effect, and who set it, as a file that says the same. */
static void printed(void **state)
{
    (void)state;
    static const char text[] =
        "keep = 24h\nproxy = http://user:secret@proxy\n"
        "isolate-sessions = no\n"
        "[appid \"an \"application\"\"]\ntimeout = 60m\n"
        "[relay \"wss://r/v1\"]\nproxy = none\npin = " PIN " " ANOTHER_PIN "\n";
    static const char expected[] = "state = /home/somebody/state  # --state\n"
                                   "socket = /run/user/somebody/wormholed/socket  # built in\n"
                                   "relay = ws://environment/v1  # WORMHOLED_RELAY\n"
                                   "#relays =  # not set\n"
                                   "log-level = info  # built in\n"
                                   "#cafile =  # not set\n"
                                   "proxy = http://proxy:1080  # %1$s:2\n"
                                   "isolate-sessions = no  # %1$s:3\n"
                                   "max-store-size = 0  # built in\n"
                                   "keep = 1d  # %1$s:1\n"
                                   "max-connections = 1024  # built in\n"
                                   "hashcash-per-hour = 128M  # built in\n"
                                   "share-connections = yes  # built in\n"
                                   "lasting = yes  # built in\n"
                                   "sandbox = %2$s  # built in\n"
                                   "\n[appid \"an \"application\"\"]  # %1$s:4\n"
                                   "timeout = 1h  # %1$s:5\n"
                                   "\n[relay \"wss://r/v1\"]  # %1$s:6\n"
                                   "proxy = none  # %1$s:7\n"
                                   "pin = " PIN " " ANOTHER_PIN "  # %1$s:8\n";
    struct settings settings;
    char why[512], *shown = NULL, *wanted = NULL;
    size_t length;
    write_file(text, sizeof(text) - 1);
    setenv("WORMHOLED_RELAY", "ws://environment/v1", 1);
    assert_true(read_all(&settings, why, "--print-config", "--state=~/state", NULL));
    FILE *out = open_memstream(&shown, &length);
    settings_print(settings_options.table, &settings, &settings.origin, out);
    fclose(out);
    settings_clear(&settings);
    assert_true(asprintf(&wanted, expected, file_path, SANDBOX_DEFAULT ? "yes" : "no") > 0);
    assert_string_equal(shown, wanted);
    unsetenv("WORMHOLED_RELAY");
    write_file(shown, length);
    assert_true(read_all(&settings, why, NULL, NULL, NULL));
    assert_string_equal(settings.state, "/home/somebody/state");
    assert_int_equal(settings_for_appid(&settings, "an \"application\"")->timeout, 3600000);
    settings_clear(&settings);
    free(shown);
    free(wanted);
}

/* Each setting with each kind of bad value: it is taken, or refused in one line with its place, its
 * key and, for numbers, what may be given. */
static void every_bad_value(void **state)
{
    (void)state;
    static const char *const values[] = {"",         "-1",    "-1d",   "99999999999999999999",
                                         "5 x",      "0x10",  "1e3",   "a\x1b[2Jb",
                                         "\xc2\x9b", "$HOME", "1.5.5", "%"};
    static const char *const sections[] = {"", "[appid \"a\"]", "[relay \"wss://r/v1\"]"};
    const struct settings_table *table = settings_options.table;
    for (size_t kind = 0; kind < sizeof(sections) / sizeof(*sections); kind++) {
        const struct settings_row *rows = kind == 0 ? table->rows : table->sections[kind - 1].rows;
        unsigned count = kind == 0 ? table->count : table->sections[kind - 1].count;
        for (unsigned i = 0; i < count; i++)
            for (size_t j = 0; j < sizeof(values) / sizeof(*values); j++) {
                struct settings settings;
                char why[512], text[256], place[sizeof(file_path) + 8];
                snprintf(text, sizeof(text), "%s\n%s = %s\n", sections[kind], rows[i].key,
                         values[j]);
                snprintf(place, sizeof(place), "%s:2: ", file_path);
                write_file(text, strlen(text));
                bool taken = read_all(&settings, why, NULL, NULL, NULL);
                settings_clear(&settings);
                bool bad =
                    *values[j] == '\0' || utf8_has_control(values[j]) || rows[i].bounds != NULL;
                if (taken && bad)
                    fail_msg("'%s' was taken for %s", values[j], rows[i].key);
                if (!taken &&
                    (strncmp(why, place, strlen(place)) != 0 || utf8_has_control(why) ||
                     strstr(why + strlen(place), rows[i].key) == NULL ||
                     (*values[j] != '\0' && rows[i].bounds != NULL && strstr(why, " to ") == NULL)))
                    fail_msg("with %s it says: %s", text, why);
            }
    }
}

/* What the settings name is looked at; each fault is told with the place where it is named. */
static void checked(void **state)
{
    (void)state;
    char text[512], why[4096], name[sizeof(file_path) + 8], *rest = why;
    static const char *const expected[] = {
        ":1: state: ", ":2: socket: ", ":3: cafile: ", ":6: cafile: "};
    struct settings settings;
    snprintf(text, sizeof(text),
             "state = %1$s\nsocket = %2$s\ncafile = %1$s\n[relay \"wss://r/v1\"]\nproxy = none\n"
             "cafile = %2$s\n",
             file_path, directory);
    write_file(text, strlen(text));
    assert_true(read_all_of(&settings, why, sizeof(why), "--check-config", NULL, NULL));
    assert_false(settings_check(&settings, why, sizeof(why)));
    for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
        const char *line = strsep(&rest, "\n");
        snprintf(name, sizeof(name), "%s%s", file_path, expected[i]);
        if (line == NULL || strncmp(line, name, strlen(name)) != 0)
            fail_msg("'%s' does not begin with %s", line != NULL ? line : "", name);
    }
    assert_null(rest);
    settings_clear(&settings);
}

/* Whether wormctl, in the same environment, would look for the socket elsewhere. */
static void warned_of_clients(void **state)
{
    (void)state;
    static const struct {
        const char *option, *variable;
        bool warned;
    } cases[] = {
        {NULL, NULL, false},          {"--socket=/s", NULL, true},
        {"--socket=/s", "/s", false}, {NULL, "/s", false},
        {"--socket=/s", "/t", true},  {"--socket=/run/user/somebody/wormholed/socket", NULL, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct settings settings;
        char why[512], *said = NULL;
        size_t length;
        write_file("", 0);
        if (cases[i].variable != NULL)
            setenv("WORMHOLED_SOCKET", cases[i].variable, 1);
        else
            unsetenv("WORMHOLED_SOCKET");
        assert_true(read_all(&settings, why, cases[i].option, NULL, NULL));
        FILE *out = open_memstream(&said, &length);
        settings_warn_of_clients(&settings, out);
        fclose(out);
        if ((length > 0) != cases[i].warned)
            fail_msg("case %zu: %s", i, said);
        free(said);
        settings_clear(&settings);
    }
}

/* Root, with the HOME of a user, as after `sudo -E`. */
static void home_of_another(void **state)
{
    (void)state;
    struct settings settings;
    char why[1024], home[sizeof(directory) + 8];
    if (geteuid() != 0)
        skip();
    write_file("", 0);
    snprintf(home, sizeof(home), "%s/home", directory);
    assert_int_equal(mkdir(home, 0700), 0);
    assert_int_equal(chown(home, 1000, 1000), 0);
    setenv("HOME", home, 1);
    unsetenv("XDG_RUNTIME_DIR");
    assert_false(read_all_of(&settings, why, sizeof(why), NULL, NULL, NULL));
    assert_non_null(strstr(why, "user 1000"));
    assert_non_null(strstr(why, "--state DIR"));
    settings_clear(&settings);
    assert_true(read_all(&settings, why, "--state=/var/s", "--socket=/var/t", NULL));
    settings_clear(&settings);
    setenv("XDG_RUNTIME_DIR", "/run/user/somebody", 1);
    setenv("XDG_STATE_HOME", "/var/state", 1);
    assert_true(read_all(&settings, why, NULL, NULL, NULL));
    settings_clear(&settings);
    rmdir(home);
}

/* No line is cut. */
static void long_lines(void **state)
{
    (void)state;
    char text[5000] = "\nstate = /";
    memset(text + strlen(text), 's', sizeof(text) - strlen(text) - 1);
    write_file(text, sizeof(text) - 1);
    struct settings settings;
    char why[512];
    assert_true(read_all(&settings, why, NULL, NULL, NULL));
    assert_int_equal(strlen(settings.state), sizeof(text) - 1 - strlen("\nstate = "));
    settings_clear(&settings);
}

/* A password in it is not repeated. */
static void refused_secret(void **state)
{
    (void)state;
    static const char text[] = "proxy = ftp://user:secret@x\n";
    struct settings settings;
    char why[512];
    write_file(text, sizeof(text) - 1);
    assert_false(read_all(&settings, why, NULL, NULL, NULL));
    assert_null(strstr(why, "secret"));
    settings_clear(&settings);
    write_file("", 0);
    setenv("WORMHOLED_PROXY", "ftp://user:secret@x", 1);
    assert_false(read_all(&settings, why, NULL, NULL, NULL));
    assert_non_null(strstr(why, "WORMHOLED_PROXY"));
    assert_null(strstr(why, "secret"));
    settings_clear(&settings);
}

/* A file with a password that others can read is refused, with the command that mends it. */
static void readable_secret(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        mode_t mode;
        bool fine;
    } cases[] = {
        {"proxy = http://user:secret@x:1\n", 0600, true},
        {"proxy = http://user:secret@x:1\n", 0400, true},
        {"proxy = http://user:secret@x:1\n", 0604, false},
        {"proxy = http://user:secret@x:1\n", 0660, false},
        {"proxy = http://user:secret@x:1\n", 0602, false},
        {"[relay \"wss://r/\"]\nproxy = socks5h://user:secret@x:1\n", 0644, false},
        {"proxy = http://x:1\n", 0644, true},
        {"proxy = none\n", 0666, true},
        {"", 0644, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct settings settings;
        char why[1024] = "";
        write_file(cases[i].text, strlen(cases[i].text));
        assert_int_equal(chmod(file_path, cases[i].mode), 0);
        if (read_all(&settings, why, NULL, NULL, NULL) != cases[i].fine)
            fail_msg("case %zu: %s", i, why);
        if (!cases[i].fine)
            assert_non_null(strstr(why, "mend that with: chmod go= '"));
        assert_null(strstr(why, "secret@"));
        settings_clear(&settings);
        assert_int_equal(unlink(file_path), 0);
    }
    write_file("", 0);
}

static void large_files(void **state)
{
    (void)state;
    static char text[SETTINGS_FILE_MAX + 1];
    memset(text, '#', sizeof(text));
    struct settings settings;
    char why[512];
    write_file(text, SETTINGS_FILE_MAX);
    assert_true(read_all(&settings, why, NULL, NULL, NULL));
    settings_clear(&settings);
    refuse_file(text, sizeof(text), "", "too large");
}

static void missing_file(void **state)
{
    (void)state;
    struct settings settings;
    char why[512];
    unlink(file_path);
    assert_false(read_all(&settings, why, NULL, NULL, NULL));
    assert_non_null(strstr(why, file_path));
    settings_clear(&settings);
}

static void wrong_environment(void **state)
{
    (void)state;
    struct settings settings;
    char why[512];
    write_file("", 0);
    setenv("WORMHOLED_MAX_CONNECTIONS", "many", 1);
    assert_false(read_all(&settings, why, NULL, NULL, NULL));
    assert_non_null(strstr(why, "WORMHOLED_MAX_CONNECTIONS"));
    settings_clear(&settings);
}

static void sizes_and_times(void **state)
{
    (void)state;
    struct settings settings;
    char why[512];
    static const struct {
        const char *text;
        int64_t ms;
    } times[] = {{"0", 0}, {"90", 90000}, {"90s", 90000}, {"2m", 120000}, {"36500d", 36500 * DAY}};
    static const struct {
        const char *text;
        uint64_t bytes;
    } sizes[] = {{"0", 0},
                 {"1048576", 1048576},
                 {"1024K", 1048576},
                 {"3M", 3145728},
                 {"64T", UINT64_C(1) << 46}};
    assert_true(settings_init(&settings));
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
        assert_true(settings_set(settings_find(settings_options.table, "keep"), &settings,
                                 times[i].text, why, sizeof(why)));
        assert_int_equal(settings.keep, times[i].ms);
    }
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        assert_true(settings_set(settings_find(settings_options.table, "max-store-size"), &settings,
                                 sizes[i].text, why, sizeof(why)));
        assert_int_equal(settings.max_store_size, sizes[i].bytes);
    }
    settings_clear(&settings);
}

#define TEST(function) cmocka_unit_test_setup(function, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(relative_paths), /* the first: it settles from where paths are seen */
        TEST(where_the_relay_comes_from),
        TEST(usual_file),
        TEST(secrets_leave_the_command_line),
        TEST(sections_of_applications),
        TEST(sections_of_relays),
        TEST(too_many_sections),
        TEST(replaced),
        TEST(all_mistakes),
        TEST(many_mistakes),
        TEST(printed),
        TEST(isolation),
        TEST(refused_pins),
        TEST(every_bad_value),
        TEST(checked),
        TEST(warned_of_clients),
        TEST(home_of_another),
        TEST(long_lines),
        TEST(refused_secret),
        TEST(readable_secret),
        TEST(defaults),
        TEST(every_key_in_a_file),
        TEST(order_of_sources),
        TEST(home_in_paths),
        TEST(state_home),
        TEST(no_runtime_directory),
        TEST(refused_files),
        TEST(large_files),
        TEST(missing_file),
        TEST(wrong_environment),
        TEST(sizes_and_times),
    };
    if (!mkdtemp(directory))
        return 1;
    snprintf(file_path, sizeof(file_path), "%s/config", directory);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(file_path);
    rmdir(directory);
    return failed;
}
