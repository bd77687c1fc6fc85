/* Relay messages: what a client needs is read, all else is refused or ignored, and what we say is
 * what stock relays understand. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "scarce.h"
#include "base/utf8.h"
#include "wormhole/wire.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

/* One good message of each type. */
static const char *const good[] = {
    "{\"type\":\"welcome\",\"welcome\":{\"motd\":\"hi\",\"relayd\":{\"retention\":60}}}",
    "{\"type\":\"nameplates\",\"nameplates\":[{\"id\":\"4\"}]}",
    "{\"type\":\"allocated\",\"nameplate\":\"4\"}",
    "{\"type\":\"claimed\",\"mailbox\":\"abc\"}",
    "{\"type\":\"released\"}",
    "{\"type\":\"message\",\"side\":\"ab\",\"phase\":\"pake\",\"body\":\"00ff\"}",
    "{\"type\":\"closed\"}",
    "{\"type\":\"ack\",\"id\":\"1\"}",
    "{\"type\":\"pong\",\"pong\":7}",
    "{\"type\":\"error\",\"error\":\"crowded\",\"orig\":{\"type\":\"claim\"}}",
    "{\"type\":\"future\",\"a\":[1]}",
};

/* Parses from memory of exactly this size, where a look beyond the end is seen. A refused message
 * must leave *ret_message alone. */
static enum wire_fault parse(const char *text, size_t length, struct wire_message *ret_message)
{
    char *copy = malloc(length ? length : 1);
    struct wire_message untouched;
    enum wire_fault fault;

    assert_non_null(copy);
    memcpy(copy, text, length);
    memset(ret_message, 0xa5, sizeof(*ret_message));
    untouched = *ret_message;
    fault = wire_parse(copy, length, ret_message);
    free(copy);
    if (fault)
        assert_memory_equal(ret_message, &untouched, sizeof(untouched));
    return fault;
}

static struct wire_message parse_good(const char *text)
{
    struct wire_message message;

    if (parse(text, strlen(text), &message) != WIRE_OK)
        fail_msg("refused: %s", text);
    return message;
}

static void expect(const char *text, enum wire_fault fault)
{
    struct wire_message message;
    enum wire_fault found = parse(text, strlen(text), &message);

    if (found != fault)
        fail_msg("fault %d instead of %d: %.200s", found, fault, text);
    if (found == WIRE_OK)
        wire_free(&message);
}

/* ---- what is read ---- */

static void test_message(void **state)
{
    struct wire_message message =
        parse_good("{\"type\": \"message\", \"side\": \"a000000000\", \"phase\": \"version\", "
                   "\"body\": \"00fFaB\", \"server_rx\": 1.5, \"id\": null}");

    (void)state;
    assert_int_equal(message.type, WIRE_MESSAGE);
    assert_string_equal(message.side, "a000000000");
    assert_string_equal(message.phase, "version");
    assert_int_equal(message.body_length, 3);
    assert_memory_equal(message.body, "\x00\xff\xab", 3);
    wire_free(&message);
    assert_null(message.root);
    assert_null(message.body);
    wire_free(&message);
}

static void test_empty_message(void **state)
{
    struct wire_message message =
        parse_good("{\"type\":\"message\",\"side\":\"\",\"phase\":\"\",\"body\":\"\"}");

    (void)state;
    assert_string_equal(message.side, "");
    assert_string_equal(message.phase, "");
    wire_free(&message);

    /* "string or number" */
    message = parse_good("{\"type\":\"message\",\"side\":\"a\",\"phase\":12,\"body\":\"\"}");
    assert_string_equal(message.phase, "12");
    assert_non_null(message.body);
    assert_int_equal(message.body_length, 0);
    wire_free(&message);
}

static void test_simple_answers(void **state)
{
    static const enum wire_type types[] = {
        WIRE_WELCOME, WIRE_NAMEPLATES, WIRE_ALLOCATED, WIRE_CLAIMED, WIRE_RELEASED, WIRE_MESSAGE,
        WIRE_CLOSED,  WIRE_ACK,        WIRE_PONG,      WIRE_ERROR,   WIRE_UNKNOWN,
    };
    struct wire_message messages[LENGTH(good)];

    (void)state;
    for (size_t i = 0; i < LENGTH(good); i++) {
        messages[i] = parse_good(good[i]);
        assert_int_equal(messages[i].type, types[i]);
    }
    assert_string_equal(messages[2].nameplate, "4");
    assert_string_equal(messages[3].mailbox, "abc");
    for (size_t i = 0; i < LENGTH(good); i++)
        wire_free(&messages[i]);
}

static void test_types_without_keys(void **state)
{
    static const char *const types[] = {"released", "closed",   "ack",    "",
                                        "Welcome",  "welcome ", "unknown"};

    (void)state;
    for (size_t i = 0; i < LENGTH(types); i++) {
        char text[64];

        snprintf(text, sizeof(text), "{\"type\":\"%s\"}", types[i]);
        expect(text, WIRE_OK);
    }
}

static void test_pong(void **state)
{
    static const struct {
        const char *text;
        int64_t pong;
    } cases[] = {
        {"{\"type\":\"pong\",\"pong\":0}", 0},
        {"{\"type\":\"pong\",\"pong\":-3}", -3},
        {"{\"type\":\"pong\",\"pong\":9223372036854775807}", INT64_MAX},
        {"{\"type\":\"pong\",\"pong\":-9223372036854775808}", INT64_MIN},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct wire_message message = parse_good(cases[i].text);

        assert_int_equal(message.type, WIRE_PONG);
        assert_true(message.pong == cases[i].pong);
        wire_free(&message);
    }
}

/* What is no token is as if it were not there. */
static void test_positions(void **state)
{
    static const struct {
        const char *value;
        bool good;
    } cases[] = {
        {"\"abc\"", true},
        {"\"0123456789012345678901234567890123456789012345678901234567890123\"", true},
        {"\"01234567890123456789012345678901234567890123456789012345678901234\"", false},
        {"\"\"", false},
        {"\"a\\u001b\"", false},
        {"7", false},
        {"null", false},
        {"[]", false},
    };
    char text[256];

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        snprintf(text, sizeof(text), "{\"type\":\"pong\",\"pong\":1,\"position\":%s}",
                 cases[i].value);
        struct wire_message message = parse_good(text);

        assert_int_equal(message.type, WIRE_PONG);
        assert_int_equal(message.position != NULL, cases[i].good);
        wire_free(&message);
    }
    struct wire_message message = parse_good("{\"type\":\"resumed\"}");

    assert_int_equal(message.type, WIRE_RESUMED);
    wire_free(&message);
}

static void test_error(void **state)
{
    static const struct {
        const char *text, *error, *orig_type;
    } cases[] = {
        {"{\"type\":\"error\",\"error\":\"crowded\",\"orig\":{\"type\":\"claim\",\"a\":1}}",
         "crowded", "claim"},
        {"{\"type\":\"error\",\"error\":\"must bind\"}", "must bind", NULL},
        {"{\"type\":\"error\",\"error\":\"\",\"orig\":{}}", "", NULL},
        {"{\"type\":\"error\",\"error\":\"e\",\"orig\":null}", "e", NULL},
        {"{\"type\":\"error\",\"error\":\"e\",\"orig\":\"claim\"}", "e", NULL},
        {"{\"type\":\"error\",\"error\":\"e\",\"orig\":[\"type\"]}", "e", NULL},
        {"{\"type\":\"error\",\"error\":\"e\",\"orig\":{\"type\":1}}", "e", NULL},
        {"{\"type\":\"error\",\"error\":\"e\",\"orig\":{\"type\":\"\\u001b\"}}", "e", NULL},
        {"{\"type\":\"error\",\"error\":\"\\u001b[2J\xc2\x9b\\n\"}", "?[2J?\n", NULL},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct wire_message message = parse_good(cases[i].text);

        assert_string_equal(message.error, cases[i].error);
        assert_int_equal(message.orig_type == NULL, cases[i].orig_type == NULL);
        if (message.orig_type)
            assert_string_equal(message.orig_type, cases[i].orig_type);
        wire_free(&message);
    }
}

/* ---- welcome ---- */

static struct wire_message parse_welcome(const char *welcome)
{
    char text[2048];

    snprintf(text, sizeof(text), "{\"type\":\"welcome\",\"welcome\":%s}", welcome);
    return parse_good(text);
}

static void test_welcome_texts(void **state)
{
    struct wire_message message =
        parse_welcome("{\"motd\":\"hi\\n\\tyou\\u001b[2J\\u0085\",\"error\":\"go\\u0007 away\","
                      "\"current_cli_version\":\"0.12.0\"}");

    (void)state;
    assert_string_equal(message.motd, "hi\n\tyou?[2J?");
    assert_string_equal(message.error, "go? away");
    wire_free(&message);
}

/* An odd `motd` or `error` is no reason not to use a relay. */
static void test_welcome_channels(void **state)
{
    static const struct {
        const char *offer;
        unsigned channels;
        size_t longest;
    } cases[] = {
        {"{\"version\":1,\"channels\":8,\"max_message\":65536}", 8, 65536},
        {"{\"version\":1,\"channels\":8,\"max_message\":65536,\"new\":true}", 8, 65536},
        {"{\"version\":1,\"channels\":99999999999,\"max_message\":65536}", 65536, 65536},
        {"{\"version\":2,\"channels\":8,\"max_message\":65536}", 0, 0},
        {"{\"version\":1,\"channels\":0,\"max_message\":65536}", 0, 0},
        {"{\"version\":1,\"channels\":-1,\"max_message\":65536}", 0, 0},
        {"{\"version\":1,\"channels\":8,\"max_message\":100}", 0, 0},
        {"{\"version\":1,\"channels\":8}", 0, 0},
        {"{\"channels\":8,\"max_message\":65536}", 0, 0},
        {"[1]", 0, 0},
        {"null", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char welcome[256];
        snprintf(welcome, sizeof(welcome), "{\"extensions\":{\"shared-connection\":%s}}",
                 cases[i].offer);
        struct wire_message message = parse_welcome(welcome), again = wire_again(&message);

        assert_int_equal(message.channels, cases[i].channels);
        assert_int_equal(message.channel_message_max, cases[i].longest);
        wire_free(&message);
        assert_int_equal(again.channels, cases[i].channels);
        wire_free(&again);
    }
}

static void test_channels(void **state)
{
    static const char left[] =
        "{\"type\":\"left\",\"reason\":\"too\\u0007 large\",\"alone\":true,\"channel\":7}";
    static const char pong[] = "{\"type\":\"pong\",\"pong\":1,\"channel\":2147483647}";
    struct wire_message message;

    (void)state;
    assert_int_equal(wire_parse(left, strlen(left), &message), WIRE_OK);
    assert_int_equal(message.type, WIRE_LEFT);
    assert_int_equal(message.channel, 7);
    assert_true(message.alone);
    assert_string_equal(message.reason, "too? large");
    wire_free(&message);
    assert_int_equal(wire_parse(pong, strlen(pong), &message), WIRE_OK);
    assert_int_equal(message.channel, 2147483647);
    wire_free(&message);
    char *leave = wire_encode_leave();
    char *text = wire_on_channel(leave, 2147483647);
    assert_string_equal(text, "{\"type\":\"leave\",\"channel\":2147483647}");
    free(text);
    free(leave);
}

static void test_welcome_resumes(void **state)
{
    static const struct {
        const char *offer;
        bool resumes;
    } cases[] = {
        {"{\"version\":1}", true},
        {"{\"version\":1,\"new\":2}", true},
        {"{\"version\":2}", false},
        {"{}", false},
        {"true", false},
        {"[1]", false},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char welcome[256];

        snprintf(welcome, sizeof(welcome), "{\"extensions\":{\"resume\":%s}}", cases[i].offer);
        struct wire_message message = parse_welcome(welcome);
        assert_int_equal(message.resumes, cases[i].resumes);
        wire_free(&message);
    }
}

static void test_welcome_without_texts(void **state)
{
    static const char *const welcomes[] = {
        "{}",
        "[]",
        "{\"motd\":null,\"error\":null}",
        "{\"motd\":1,\"error\":true}",
        "{\"motd\":[\"a\"],\"error\":{\"a\":\"b\"}}",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(welcomes); i++) {
        struct wire_message message = parse_welcome(welcomes[i]);

        assert_int_equal(message.type, WIRE_WELCOME);
        assert_null(message.motd);
        assert_null(message.error);
        assert_int_equal(message.retention, 0);
        assert_false(message.permission_needed);
        wire_free(&message);
    }
}

static void test_retention(void **state)
{
    static const struct {
        const char *welcome;
        int64_t retention;
    } cases[] = {
        {"{\"relayd\":{\"retention\":1}}", 1},
        {"{\"relayd\":{\"retention\":1209600,\"more\":1}}", 1209600},
        {"{\"relayd\":{\"retention\":316224000}}", 316224000},
        {"{\"relayd\":{\"retention\":316224001}}", 316224000},
        {"{\"relayd\":{\"retention\":9223372036854775807}}", 316224000},
        {"{\"relayd\":{\"retention\":0}}", 0},
        {"{\"relayd\":{\"retention\":-1}}", 0},
        {"{\"relayd\":{\"retention\":-9223372036854775808}}", 0},
        {"{\"relayd\":{\"retention\":1.5}}", 0},
        {"{\"relayd\":{\"retention\":\"60\"}}", 0},
        {"{\"relayd\":{\"retention\":null}}", 0},
        {"{\"relayd\":{\"retention\":[60]}}", 0},
        {"{\"relayd\":{}}", 0},
        {"{\"relayd\":[60]}", 0},
        {"{\"relayd\":60}", 0},
        {"{\"retention\":60}", 0},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct wire_message message = parse_welcome(cases[i].welcome);

        assert_int_equal(message.retention, cases[i].retention);
        wire_free(&message);
    }
}

static void test_permission(void **state)
{
    static const struct {
        const char *required;
        bool needed;
    } cases[] = {
        {"{\"none\":{}}", false},
        {"{\"none\":{},\"hashcash\":{\"bits\":6,\"resource\":\"r\"}}", true},
        {"{\"none\":null,\"hashcash\":{\"bits\":40,\"resource\":\"r\"}}", true},
        {"[{\"none\":null}]", true},
        {"[\"none\"]", false},
        {"[\"hashcash\",\"none\"]", false},
        {"[{\"none\":{}}]", false},
        {"null", false},
        {"false", false},
        {"{\"hashcash\":{\"bits\":6,\"resource\":\"none\"}}", true},
        {"[\"hashcash\"]", true},
        {"[{\"hashcash\":{\"none\":1}}]", true},
        {"[[\"none\"]]", true},
        {"{}", true},
        {"[]", true},
        {"true", true},
        {"1", true},
        {"\"hashcash\"", true},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char welcome[256];
        struct wire_message message;

        snprintf(welcome, sizeof(welcome), "{\"permission-required\":%s}", cases[i].required);
        message = parse_welcome(welcome);
        if (message.permission_needed != cases[i].needed)
            fail_msg("wrong: %s", cases[i].required);
        wire_free(&message);
    }
}

static void test_hashcash_offer(void **state)
{
    static const struct {
        const char *offer;
        unsigned bits;
    } cases[] = {
        {"{\"hashcash\":{\"bits\":6,\"resource\":\"relay/1\"}}", 6},
        {"{\"hashcash\":{\"bits\":33,\"resource\":\"relay/1\"}}", 0},
        {"{\"none\":{},\"hashcash\":{\"bits\":6,\"resource\":\"relay/1\"}}", 6},
        {"{\"none\":{},\"hashcash\":{\"bits\":33,\"resource\":\"relay/1\"}}", 0},
        {"{\"none\":null,\"hashcash\":{\"bits\":20,\"resource\":\"relay/1\"}}", 20},
        {"{\"hashcash\":{\"bits\":-1,\"resource\":\"relay/1\"}}", 0},
        {"{\"hashcash\":{\"bits\":\"6\",\"resource\":\"relay/1\"}}", 0},
        {"{\"hashcash\":{\"bits\":6}}", 0},
        {"{\"hashcash\":{\"bits\":6,\"resource\":1}}", 0},
        {"{\"hashcash\":6}", 0},
        {"[\"hashcash\"]", 0},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char welcome[256];
        snprintf(welcome, sizeof(welcome), "{\"permission-required\":%s}", cases[i].offer);
        struct wire_message message = parse_welcome(welcome);

        assert_int_equal(message.permission_needed, cases[i].bits > 0 || !message.permission_none);
        assert_int_equal(message.hashcash_bits, cases[i].bits);
        if (cases[i].bits > 0)
            assert_string_equal(message.hashcash_resource, "relay/1");
        wire_free(&message);
    }
}

/* Whatever the relay asks for is called by its name. */
static void test_permission_text(void **state)
{
    static const struct {
        const char *required, *part;
    } cases[] = {
        {"{\"captcha\":{},\"token\":1}", "(captcha, token)"},
        {"[\"captcha\",5,\"token\"]", "(captcha, token)"},
        {"\"captcha\"", "(captcha)"},
        {"{\"cap\\u001b[2Jtcha\":1}", "(cap?[2Jtcha)"},
        {"true", "unknown kind"},
        {"{}", "unknown kind"},
        {"{\"hashcash\":{}}", "(hashcash)"},
        {"{\"hashcash\":{\"bits\":40,\"resource\":\"r\"}}", "40 bits"},
        {"{\"hashcash\":{\"bits\":20,\"resource\":\"r\"}}", "not be made"},
        {"{\"aaaaaaaaaabbbbbbbbbbccccccccccddXX\":1}", "(aaaaaaaaaabbbbbbbbbbccccccccccdd)"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char welcome[256], text[WIRE_TEXT_MAX];

        snprintf(welcome, sizeof(welcome), "{\"permission-required\":%s}", cases[i].required);
        struct wire_message message = parse_welcome(welcome);
        wire_permission_text(&message, text, sizeof(text));
        if (strstr(text, cases[i].part) == NULL)
            fail_msg("%s: %s", cases[i].required, text);
        wire_permission_text(&message, text, 10);
        assert_int_equal(strlen(text), 9);
        wire_free(&message);
    }
}

/* Long texts are cut between characters, whatever the offset. */
static void test_long_texts(void **state)
{
    (void)state;
    for (size_t offset = 0; offset < 4; offset++) {
        size_t used = offset;
        char text[2 * WIRE_TEXT_MAX + 64], motd[2 * WIRE_TEXT_MAX + 1];
        struct wire_message message;

        memset(motd, 'x', used);
        while (used + 4 < sizeof(motd)) {
            memcpy(motd + used, "\xf0\x9f\x90\xa2", 4);
            used += 4;
        }
        motd[used] = '\0';
        snprintf(text, sizeof(text), "{\"type\":\"error\",\"error\":\"%s\"}", motd);
        message = parse_good(text);
        assert_int_equal(strlen(message.error), WIRE_TEXT_MAX - (4 - offset) % 4);
        assert_memory_equal(message.error, motd, strlen(message.error));
        assert_true(utf8_valid(message.error, strlen(message.error)));
        wire_free(&message);
    }
}

/* ---- what is refused ---- */

/* The keys that a type cannot do without. */
static const struct {
    const char *type, *key;
} needed[] = {
    {"welcome", "welcome"},     {"nameplates", "nameplates"},
    {"allocated", "nameplate"}, {"claimed", "mailbox"},
    {"message", "side"},        {"message", "phase"},
    {"message", "body"},        {"pong", "pong"},
    {"error", "error"},
};

static json_t *load_good(const char *type)
{
    for (size_t i = 0; i < LENGTH(good); i++) {
        json_t *root = json_loads(good[i], 0, NULL);

        if (strcmp(json_string_value(json_object_get(root, "type")), type) == 0)
            return root;
        json_decref(root);
    }
    fail_msg("no good message of type %s", type);
    return NULL;
}

static enum wire_fault parse_json(json_t *root)
{
    char *text = json_dumps(root, 0);
    struct wire_message message;
    enum wire_fault fault;

    assert_non_null(text);
    fault = parse(text, strlen(text), &message);
    if (!fault)
        wire_free(&message);
    free(text);
    return fault;
}

static void test_absent_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(needed); i++) {
        json_t *root = load_good(needed[i].type);

        assert_int_equal(parse_json(root), WIRE_OK);
        assert_int_equal(json_object_del(root, needed[i].key), 0);
        assert_int_equal(parse_json(root), WIRE_INCOMPLETE);
        json_decref(root);
    }
}

/* Every needed key with every JSON type but its own. */
static void test_wrong_types(void **state)
{
    static const char *const values[] = {"null", "true",        "false", "1.5",
                                         "1",    "\"\\u001b\"", "[]",    "{}"};

    (void)state;
    for (size_t i = 0; i < LENGTH(needed); i++) {
        for (size_t j = 0; j < LENGTH(values); j++) {
            json_t *root = load_good(needed[i].type);
            json_t *value = json_loads(values[j], JSON_DECODE_ANY, NULL);
            bool fits = json_typeof(value) == json_typeof(json_object_get(root, needed[i].key)) &&
                        (!json_is_string(value) || strcmp(needed[i].key, "error") == 0);
            fits |= json_is_integer(value) && strcmp(needed[i].key, "phase") == 0;
            fits |= json_is_array(value) && strcmp(needed[i].key, "welcome") == 0; /* empty */

            json_object_set_new(root, needed[i].key, value);
            assert_int_equal(parse_json(root), fits ? WIRE_OK : WIRE_INCOMPLETE);
            json_decref(root);
        }
    }
}

static void test_bad_type_key(void **state)
{
    (void)state;
    expect("{}", WIRE_INCOMPLETE);
    expect("{\"type\":null}", WIRE_INCOMPLETE);
    expect("{\"type\":1}", WIRE_INCOMPLETE);
    expect("{\"type\":[\"ack\"]}", WIRE_INCOMPLETE);
    expect("{\"type\":{\"type\":\"ack\"}}", WIRE_INCOMPLETE);
    expect("{\"Type\":\"ack\"}", WIRE_INCOMPLETE);
}

static void test_bad_bodies(void **state)
{
    static const char *const bodies[] = {"0",
                                         "000",
                                         "0g",
                                         "g0",
                                         " 00",
                                         "00 ",
                                         "0 0",
                                         "0x00",
                                         "00:00",
                                         "\\u0030\\u003a",
                                         "\xef\xbc\x90\xef\xbc\x90",
                                         "00\\n",
                                         "-1"};

    (void)state;
    for (size_t i = 0; i < LENGTH(bodies); i++) {
        char text[128];

        snprintf(text, sizeof(text),
                 "{\"type\":\"message\",\"side\":\"a\",\"phase\":\"0\",\"body\":\"%s\"}",
                 bodies[i]);
        expect(text, WIRE_INCOMPLETE);
    }
}

static void test_bad_names(void **state)
{
    static const char *const texts[] = {
        "{\"type\":\"claimed\",\"mailbox\":\"\"}",
        "{\"type\":\"claimed\",\"mailbox\":\"a\\nb\"}",
        "{\"type\":\"allocated\",\"nameplate\":\"\"}",
        "{\"type\":\"allocated\",\"nameplate\":\"a\"}",
        "{\"type\":\"allocated\",\"nameplate\":\"4-\"}",
        "{\"type\":\"allocated\",\"nameplate\":\"-4\"}",
        "{\"type\":\"allocated\",\"nameplate\":\"4 \"}",
        "{\"type\":\"allocated\",\"nameplate\":"
        "\"1234567890123456789012345678901234567890123456789012345678901234"
        "5\"}",
        "{\"type\":\"message\",\"side\":\"a\\u007f\",\"phase\":\"0\",\"body\":\"\"}",
        "{\"type\":\"message\",\"side\":\"a\",\"phase\":\"\\u009b\",\"body\":\"\"}",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++)
        expect(texts[i], WIRE_INCOMPLETE);
}

static void test_long_names(void **state)
{
    static const struct {
        const char *type, *key;
    } names[] = {{"claimed", "mailbox"}, {"message", "side"}, {"message", "phase"}};
    char name[WIRE_NAME_MAX + 2];

    (void)state;
    memset(name, 'x', sizeof(name));
    for (size_t i = 0; i < LENGTH(names); i++) {
        json_t *root = load_good(names[i].type);

        json_object_set_new(root, names[i].key, json_stringn(name, WIRE_NAME_MAX));
        assert_int_equal(parse_json(root), WIRE_OK);
        json_object_set_new(root, names[i].key, json_stringn(name, WIRE_NAME_MAX + 1));
        assert_int_equal(parse_json(root), WIRE_INCOMPLETE);
        json_decref(root);
    }
}

static void test_truncated(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(good); i++) {
        for (size_t length = 0; length < strlen(good[i]); length++) {
            struct wire_message message;

            assert_int_equal(parse(good[i], length, &message), WIRE_NOT_JSON);
        }
    }
}

/* Behind, and before, the message. */
static void test_garbage_around(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
    } garbage[] = {{"x", 1},  {"{}", 2},   {"}", 1},           {"]", 1},  {",", 1},
                   {"\0", 1}, {"1", 1},    {"\xff", 1},        {"\"", 1}, {"//", 2},
                   {"\v", 1}, {"\x1e", 1}, {"\xef\xbb\xbf", 3}};

    (void)state;
    for (size_t i = 0; i < LENGTH(garbage); i++) {
        struct wire_message message;
        char text[64];
        size_t length = garbage[i].length;

        memcpy(text, "{\"type\":\"ack\"}", 14);
        memcpy(text + 14, garbage[i].bytes, length);
        assert_int_equal(parse(text, 14 + length, &message), WIRE_NOT_JSON);
        memcpy(text, garbage[i].bytes, length);
        memcpy(text + length, "{\"type\":\"ack\"}", 14);
        assert_int_equal(parse(text, 14 + length, &message), WIRE_NOT_JSON);
    }
    expect(" \r\n\t{\"type\":\"ack\"} \r\n\t", WIRE_OK);
}

static void test_no_json(void **state)
{
    static const char *const texts[] = {
        "",
        "[]",
        "null",
        "1",
        "\"ack\"",
        "type",
        "[{\"type\":\"ack\"}]",
        /* within types and keys that nobody reads */
        "{\"type\":\"ack\",\"a\":1e999}",
        "{\"type\":\"ack\",\"a\":9223372036854775808}",
        "{\"type\":\"ack\",\"a\":\"\xff\"}",
        "{\"type\":\"ack\",\"a\":\"\\u0000\"}",
        "{\"type\":\"ack\",\"\\u0000\":1}",
        "{\"type\":\"ack\",\"a\":\"\\ud800\"}",
        "{\"type\":\"pong\",\"pong\":9223372036854775808}",
        /* 33 levels */
        "{\"type\":\"ack\",\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++)
        expect(texts[i], WIRE_NOT_JSON);
}

/* No single byte of a good message, whatever it becomes, leads astray. */
static void test_every_byte_replaced(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(good); i++) {
        size_t length = strlen(good[i]);
        char text[128];

        memcpy(text, good[i], length);
        for (size_t at = 0; at < length; at++) {
            for (unsigned byte = 0; byte < 256; byte++) {
                struct wire_message message;

                text[at] = (char)byte;
                if (parse(text, length, &message) == WIRE_OK)
                    wire_free(&message);
            }
            text[at] = good[i][at];
        }
    }
}

static void test_fault_texts(void **state)
{
    (void)state;
    for (int fault = WIRE_OK; fault <= WIRE_NO_MEMORY; fault++)
        assert_true(strlen(wire_fault_text((enum wire_fault)fault)) > 10);
}

/* ---- what we say ---- */

static void expect_told(char *text, const char *expected)
{
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

static void test_told(void **state)
{
    (void)state;
    expect_told(wire_encode_bind("example.org/a", "0123456789", "0.1.0"),
                "{\"type\":\"bind\",\"appid\":\"example.org/a\",\"side\":\"0123456789\","
                "\"client_version\":[\"wormholed\",\"0.1.0\"]}");
    expect_told(wire_encode_submit_permission("1:6:x"),
                "{\"type\":\"submit-permissions\","
                "\"method\":\"hashcash\",\"stamp\":\"1:6:x\"}");
    expect_told(wire_encode_list(), "{\"type\":\"list\"}");
    expect_told(wire_encode_allocate(), "{\"type\":\"allocate\"}");
    expect_told(wire_encode_claim("4"), "{\"type\":\"claim\",\"nameplate\":\"4\"}");
    expect_told(wire_encode_release("4"), "{\"type\":\"release\",\"nameplate\":\"4\"}");
    expect_told(wire_encode_release(NULL), "{\"type\":\"release\"}");
    expect_told(wire_encode_open("abc", NULL), "{\"type\":\"open\",\"mailbox\":\"abc\"}");
    expect_told(wire_encode_open("abc", "t1"),
                "{\"type\":\"open\",\"mailbox\":\"abc\",\"after\":\"t1\"}");
    expect_told(wire_encode_close("abc", "happy"),
                "{\"type\":\"close\",\"mailbox\":\"abc\",\"mood\":\"happy\"}");
    expect_told(wire_encode_ping(1), "{\"type\":\"ping\",\"ping\":1}");
    expect_told(wire_encode_ping(INT64_MAX), "{\"type\":\"ping\",\"ping\":9223372036854775807}");
    expect_told(wire_encode_ping(INT64_MIN), "{\"type\":\"ping\",\"ping\":-9223372036854775808}");
}

static void test_told_add(void **state)
{
    (void)state;
    expect_told(wire_encode_add("pake", (const uint8_t *)"\x00\xff\x1a", 3),
                "{\"type\":\"add\",\"phase\":\"pake\",\"body\":\"00ff1a\"}");
    expect_told(wire_encode_add("0", (const uint8_t *)"", 0),
                "{\"type\":\"add\",\"phase\":\"0\",\"body\":\"\"}");
}

/* Whatever a string holds, it arrives as it is. */
static void test_told_is_escaped(void **state)
{
    static const char odd[] = "a\"b\\c\n\x01/\x7f\xc3\xbc\xf0\x9f\x90\xa2";
    char *texts[] = {wire_encode_bind(odd, odd, odd), wire_encode_claim(odd),
                     wire_encode_open(odd, NULL), wire_encode_add(odd, (const uint8_t *)"a", 1)};
    static const char *const keys[] = {"appid", "nameplate", "mailbox", "phase"};

    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++) {
        json_t *root = json_loads(texts[i], 0, NULL);

        assert_non_null(root);
        assert_string_equal(json_string_value(json_object_get(root, keys[i])), odd);
        json_decref(root);
        free(texts[i]);
    }
}

/* All byte values and many lengths, through our own two halves. */
static void test_bodies_there_and_back(void **state)
{
    uint8_t body[600];

    (void)state;
    for (size_t i = 0; i < sizeof(body); i++)
        body[i] = (uint8_t)(i * 7);
    for (size_t length = 0; length <= sizeof(body); length++) {
        char *told = wire_encode_add("0", body, length), *text = NULL;
        struct wire_message message;

        assert_non_null(told);
        assert_true(asprintf(&text, "{\"type\":\"message\",\"side\":\"a\",\"was\":%s,%s", told,
                             strstr(told, "\"phase\"")) > 0);
        message = parse_good(text);
        assert_int_equal(message.body_length, length);
        assert_memory_equal(message.body, body, length);
        wire_free(&message);
        free(told);
        free(text);
    }
}

/* ---- out of memory ---- */

static char *tell_bind(void)
{
    return wire_encode_bind("appid", "side", "1");
}

static char *tell_claim(void)
{
    return wire_encode_claim("4");
}

static char *send_release(void)
{
    return wire_encode_release("4");
}

static char *tell_bare_release(void)
{
    return wire_encode_release(NULL);
}

static char *tell_open(void)
{
    return wire_encode_open("abc", NULL);
}

static char *tell_add(void)
{
    return wire_encode_add("version", (const uint8_t *)"body", 4);
}

static char *tell_close(void)
{
    return wire_encode_close("abc", "happy");
}

static char *tell_ping(void)
{
    return wire_encode_ping(1);
}

/* Each allocation fails once: then nothing is told, rather than a part of it. */
static void test_tell_without_memory(void **state)
{
    static char *(*const calls[])(void) = {
        tell_bind, wire_encode_list, wire_encode_allocate, tell_claim,        send_release,
        tell_open, tell_add,         tell_close,           tell_bare_release, tell_ping};

    (void)state;
    for (size_t i = 0; i < LENGTH(calls); i++) {
        bool failed = true;

        for (unsigned nth = 1; failed; nth++) {
            char *text;

            scarce_fail_nth(nth);
            text = calls[i]();
            failed = scarce_end();
            assert_int_equal(text == NULL, failed);
            free(text);
        }
    }
}

/*
 * Each allocation fails once. jansson calls it bad syntax if it cannot copy a string, so the fault
 * is not always the right one; but nothing is half read. The strings of the good messages fit the
 * token buffer that jansson begins with, which it cannot fail to grow (see document.c).
 */
static void test_parse_without_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(good); i++) {
        unsigned told = 0, nth = 0;
        enum wire_fault fault;
        bool failed = true;

        while (failed) {
            struct wire_message message;

            scarce_fail_nth(++nth);
            fault = wire_parse(good[i], strlen(good[i]), &message);
            failed = scarce_end();
            assert_int_equal(fault == WIRE_OK, !failed);
            if (fault == WIRE_NO_MEMORY)
                told++;
            if (fault == WIRE_OK)
                wire_free(&message);
        }
        assert_true(told > 0);
    }
}

/* A body for which there is no memory is found out before jansson is let near it. */
static void test_large_body_without_memory(void **state)
{
    size_t length = 1 << 20;
    uint8_t *body = calloc(1, length);
    char *told, *text = NULL;
    struct wire_message message;

    (void)state;
    assert_non_null(body);
    told = wire_encode_add("0", body, length);
    assert_non_null(told);
    assert_true(
        asprintf(&text, "{\"type\":\"message\",\"side\":\"a\",%s", strstr(told, "\"phase\"")) > 0);
    scarce_fail_above(length);
    assert_int_equal(wire_parse(text, strlen(text), &message), WIRE_NO_MEMORY);
    assert_null(wire_encode_add("0", body, length));
    assert_true(scarce_end());
    message = parse_good(text);
    assert_int_equal(message.body_length, length);
    assert_memory_equal(message.body, body, length);
    wire_free(&message);
    free(text);
    free(told);
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message),
        cmocka_unit_test(test_empty_message),
        cmocka_unit_test(test_simple_answers),
        cmocka_unit_test(test_types_without_keys),
        cmocka_unit_test(test_pong),
        cmocka_unit_test(test_error),
        cmocka_unit_test(test_positions),
        cmocka_unit_test(test_welcome_resumes),
        cmocka_unit_test(test_welcome_texts),
        cmocka_unit_test(test_welcome_channels),
        cmocka_unit_test(test_channels),
        cmocka_unit_test(test_welcome_without_texts),
        cmocka_unit_test(test_retention),
        cmocka_unit_test(test_permission),
        cmocka_unit_test(test_permission_text),
        cmocka_unit_test(test_hashcash_offer),
        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_absent_keys),
        cmocka_unit_test(test_wrong_types),
        cmocka_unit_test(test_bad_type_key),
        cmocka_unit_test(test_bad_bodies),
        cmocka_unit_test(test_bad_names),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_garbage_around),
        cmocka_unit_test(test_no_json),
        cmocka_unit_test(test_every_byte_replaced),
        cmocka_unit_test(test_fault_texts),
        cmocka_unit_test(test_told),
        cmocka_unit_test(test_told_add),
        cmocka_unit_test(test_told_is_escaped),
        cmocka_unit_test(test_bodies_there_and_back),
        cmocka_unit_test(test_tell_without_memory),
        cmocka_unit_test(test_parse_without_memory),
        cmocka_unit_test(test_large_body_without_memory),
    };

    scarce_init();
    return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
