/* What clients say is read: every type, every key; what is wrong gives one sentence that names it.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/relay_command.h"
#include "relay/store.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

/* Parses from memory of exactly this size, where a look beyond the end is seen; single quotes are
 * for double ones. */
static struct relay_command parse_bytes(const char *text, size_t length)
{
    char *copy = malloc(length ? length : 1);
    struct relay_command command;

    assert_non_null(copy);
    for (size_t i = 0; i < length; i++)
        copy[i] = text[i] == '\'' ? '"' : text[i];
    assert_true(relay_command_parse(copy, length, &command));
    free(copy);
    return command;
}

static struct relay_command parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static void expect_fault(const char *text, const char *fault)
{
    struct relay_command command = parse(text);

    if (strcmp(command.fault, fault) != 0)
        fail_msg("\"%s\" instead of \"%s\": %.200s", command.fault, fault, text);
    relay_command_free(&command);
}

static void test_types(void **state)
{
    static const struct {
        const char *text;
        enum relay_command_type type;
    } good[] = {
        {"{'type':'add','phase':'','body':''}", RELAY_COMMAND_ADD},
        {"{'type':'allocate','future':[{}]}", RELAY_COMMAND_ALLOCATE},
        {"{'type':'bind','appid':'a','side':'s','client_version':7}", RELAY_COMMAND_BIND},
        {"{'type':'claim','nameplate':'4'}", RELAY_COMMAND_CLAIM},
        {"{'type':'close'}", RELAY_COMMAND_CLOSE},
        {"{'type':'close','mailbox':null,'mood':null,'id':null}", RELAY_COMMAND_CLOSE},
        {"{'type':'list'}", RELAY_COMMAND_LIST},
        {"{'type':'open','mailbox':'m'}", RELAY_COMMAND_OPEN},
        {"{'type':'submit-permissions','method':'none'}", RELAY_COMMAND_PERMIT},
        {"{'type':'submit-permission','method':'hashcash','stamp':'1'}", RELAY_COMMAND_PERMIT},
        {"{'type':'ping','ping':-9223372036854775808}", RELAY_COMMAND_PING},
        {"{'type':'ping','ping':1.5e300}", RELAY_COMMAND_PING},
        {"{'type':'release'}", RELAY_COMMAND_RELEASE},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(good); i++) {
        struct relay_command command = parse(good[i].text);

        assert_string_equal(command.fault, "");
        assert_int_equal(command.type, good[i].type);
        assert_true(relay_command_has_type(&command));
        relay_command_free(&command);
        relay_command_free(&command);
    }
}

static void test_fields(void **state)
{
    struct relay_command numbered = parse("{'type':'add','phase':12,'body':''}");
    assert_string_equal(numbered.phase, "12");
    relay_command_free(&numbered);
    struct relay_command add = parse("{'type':'add','phase':'p','body':'00fFaB','id':'x'}");
    struct relay_command bind = parse("{'type':'bind','appid':'\xc3\xa4','side':'s'}");
    struct relay_command close = parse("{'type':'close','mailbox':'m','mood':'happy'}");

    (void)state;
    assert_string_equal(add.phase, "p");
    assert_string_equal(add.body, "00fFaB");
    assert_int_equal(add.body_length, 6);
    assert_string_equal(add.id, "x");
    assert_string_equal(bind.appid, "\xc3\xa4");
    assert_string_equal(bind.side, "s");
    assert_null(bind.id);
    assert_string_equal(close.mailbox, "m");
    assert_string_equal(close.mood, "happy");
    assert_null(close.nameplate);
    relay_command_free(&add);
    relay_command_free(&bind);
    relay_command_free(&close);
}

/* Every key of every type, absent. */
static void test_lacking(void **state)
{
    (void)state;
    expect_fault("{}", "missing 'type'");
    expect_fault("{'type':'x'}", "unknown type");
    expect_fault("{'type':null}", "unknown type");
    expect_fault("{'type':['ping'],'ping':1}", "unknown type");
    expect_fault("{'type':'Ping','ping':1}", "unknown type");
    expect_fault("{'type':'add','body':''}", "missing 'phase'");
    expect_fault("{'type':'add','phase':''}", "missing 'body'");
    expect_fault("{'type':'bind','side':'s'}", "bind requires 'appid'");
    expect_fault("{'type':'bind','appid':'a'}", "bind requires 'side'");
    expect_fault("{'type':'claim'}", "claim requires 'nameplate'");
    expect_fault("{'type':'open'}", "open requires 'mailbox'");
    expect_fault("{'type':'open','mailbox':null}", "open requires 'mailbox'");
    expect_fault("{'type':'ping'}", "ping requires 'ping'");
    expect_fault("{'type':'submit-permissions','stamp':'1'}", "missing 'method'");
}

/* Every key of every type, with a value of every wrong type. */
static void test_wrong_types(void **state)
{
    static const char *const forms[][2] = {
        {"phase", "{'type':'add','body':'','phase':%s}"},
        {"body", "{'type':'add','phase':'','body':%s}"},
        {"id", "{'type':'add','phase':'','body':'','id':%s}"},
        {"id", "{'type':'ping','ping':1,'id':%s}"},
        {"appid", "{'type':'bind','side':'s','appid':%s}"},
        {"side", "{'type':'bind','appid':'a','side':%s}"},
        {"nameplate", "{'type':'claim','nameplate':%s}"},
        {"nameplate", "{'type':'release','nameplate':%s}"},
        {"mailbox", "{'type':'open','mailbox':%s}"},
        {"mailbox", "{'type':'close','mailbox':%s}"},
        {"mood", "{'type':'close','mood':%s}"},
        {"method", "{'type':'submit-permission','method':%s}"},
        {"stamp", "{'type':'submit-permission','method':'hashcash','stamp':%s}"},
    };
    static const char *const values[] = {"1", "-0.5", "true", "false", "[]", "['a']", "{'a':1}"};
    char text[200], fault[100];

    (void)state;
    for (size_t i = 0; i < LENGTH(forms) * LENGTH(values); i++) {
        const char *const *form = forms[i / LENGTH(values)];

        if (strcmp(form[0], "phase") == 0 && i % LENGTH(values) == 0)
            continue; /* a phase may be an integer */
        snprintf(text, sizeof(text), form[1], values[i % LENGTH(values)]);
        snprintf(fault, sizeof(fault), "'%s' must be a string", form[0]);
        expect_fault(text, fault);
    }
    expect_fault("{'type':'ping','ping':'1'}", "'ping' must be a number");
    expect_fault("{'type':'ping','ping':null}", "'ping' must be a number");
    expect_fault("{'type':'ping','ping':[1]}", "'ping' must be a number");
}

/* At the limit, and one beyond. */
static void test_lengths(void **state)
{
    static const struct {
        const char *key, *form;
        int min, max;
    } limits[] = {
        {"appid", "{'type':'bind','side':'s','appid':'%s'}", 1, RELAY_APPID_MAX},
        {"side", "{'type':'bind','appid':'a','side':'%s'}", 1, RELAY_SIDE_MAX},
        {"nameplate", "{'type':'claim','nameplate':'%s'}", 1, RELAY_NAMEPLATE_MAX},
        {"nameplate", "{'type':'release','nameplate':'%s'}", 1, RELAY_NAMEPLATE_MAX},
        {"mailbox", "{'type':'open','mailbox':'%s'}", 1, RELAY_MAILBOX_MAX},
        {"mailbox", "{'type':'close','mailbox':'%s'}", 1, RELAY_MAILBOX_MAX},
        {"mood", "{'type':'close','mood':'%s'}", 0, RELAY_MOOD_MAX},
        {"phase", "{'type':'add','body':'','phase':'%s'}", 0, RELAY_PHASE_MAX},
        {"id", "{'type':'list','id':'%s'}", 0, RELAY_ID_MAX},
        {"method", "{'type':'submit-permission','method':'%s'}", 1, RELAY_COMMAND_METHOD_MAX},
        {"stamp", "{'type':'submit-permission','method':'m','stamp':'%s'}", 1,
         RELAY_COMMAND_STAMP_MAX},
    };
    char name[1000], text[1200], fault[100];

    (void)state;
    for (size_t i = 0; i < LENGTH(limits); i++) {
        memset(name, 'x', sizeof(name));
        name[limits[i].max + 1] = '\0';
        snprintf(text, sizeof(text), limits[i].form, name);
        snprintf(fault, sizeof(fault), "'%s' is too long", limits[i].key);
        expect_fault(text, fault);
        name[limits[i].max] = '\0';
        snprintf(text, sizeof(text), limits[i].form, name);
        expect_fault(text, "");
        snprintf(text, sizeof(text), limits[i].form, "");
        snprintf(fault, sizeof(fault), "'%s' must not be empty", limits[i].key);
        expect_fault(text, limits[i].min ? fault : "");
    }
}

static void test_hex(void **state)
{
    static const char *const bad[] = {"0", "0g", "0x00", " 00", "00 ", "\\u0030", "00000"};
    char text[100];

    (void)state;
    for (size_t i = 0; i < LENGTH(bad); i++) {
        snprintf(text, sizeof(text), "{'type':'add','phase':'','body':'%s'}", bad[i]);
        expect_fault(text, "'body' must be hex");
    }
}

/* What is no message at all: nothing is acknowledged, nothing crashes. */
static void test_nonsense(void **state)
{
    static const struct {
        const char *text;
        size_t length;
    } bad[] = {
        {"", 0},
        {"\0", 1},
        {"{", 1},
        {"[]", 2},
        {"'type'", 6},
        {"null", 4},
        {"{'type':'ping','ping':1", 23},
        {"{'type':'ping','ping':1}{}", 26},
        {"{'type':'ping','ping':1}\0", 25},
        {"{'type':'ping','ping':99999999999999999999}", 43},
        {"{'type':'ping','ping':1e999}", 28},
        {"{'type':'ping','ping':NaN}", 26},
        {"{'type':'ping\\u0000','ping':1}", 30},
        {"{'type':'pi\0g','ping':1}", 24},
        {"{'type':'pi\xff','ping':1}", 23},
        {"{'type':'pi\xc0\xaf','ping':1}", 24},
        {"{'type':'\\ud800','ping':1}", 26},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(bad); i++) {
        struct relay_command command = parse_bytes(bad[i].text, bad[i].length);

        assert_string_equal(command.fault, "not a JSON object, or one beyond all bounds");
        assert_int_equal(command.type, RELAY_COMMAND_UNKNOWN);
        assert_null(command.root);
        assert_false(relay_command_has_type(&command));
        relay_command_free(&command);
    }
}

static void test_nesting(void **state)
{
    char text[200000];
    struct relay_command command;

    (void)state;
    memset(text, '[', sizeof(text));
    memcpy(text, "{'type':", 8);
    command = parse_bytes(text, sizeof(text));
    assert_null(command.root);
    relay_command_free(&command);
    for (size_t i = 0; i + 5 < sizeof(text); i += 5)
        memcpy(text + i, "{'a':", 5);
    command = parse_bytes(text, sizeof(text));
    assert_null(command.root);
    relay_command_free(&command);
}

static void test_take_body(void **state)
{
    struct relay_command command = parse("{'type':'add','phase':'p','body':'00ff'}");
    json_t *body = relay_command_take_body(&command);

    (void)state;
    assert_string_equal(command.body, "00ff");
    assert_string_equal(json_string_value(body), "00ff");
    assert_string_equal(json_string_value(json_object_get(command.root, "body")), "");
    json_decref(body);
    relay_command_free(&command);
}

/* A long body stays in the text, until the command is to outlive it. */
static void test_keep(void **state)
{
    static char text[80000];
    size_t head =
        (size_t)snprintf(text, sizeof(text), "{\"type\":\"add\",\"phase\":\"p\",\"body\":\"");
    struct relay_command command;

    (void)state;
    memset(text + head, 'a', 70000);
    memcpy(text + head + 70000, "\"}", 2);
    assert_true(relay_command_parse(text, head + 70002, &command));
    assert_ptr_equal(command.body, text + head);
    assert_int_equal(command.body_length, 70000);
    assert_true(relay_command_keep(&command));
    memset(text, '?', sizeof(text));
    assert_int_equal(command.body_length, strlen(command.body));
    assert_int_equal(strspn(command.body, "a"), 70000);
    relay_command_free(&command);

    memcpy(text, "{\"type\":\"add\",\"phase\":\"p\",\"body\":\"", head);
    memset(text + head, 'a', 69999);
    memcpy(text + head + 69999, "\"}", 2);
    assert_true(relay_command_parse(text, head + 70001, &command));
    assert_string_equal(command.fault, "'body' must be hex");
    relay_command_free(&command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),     cmocka_unit_test(test_fields),
        cmocka_unit_test(test_lacking),   cmocka_unit_test(test_wrong_types),
        cmocka_unit_test(test_lengths),   cmocka_unit_test(test_hex),
        cmocka_unit_test(test_nonsense),  cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_take_body), cmocka_unit_test(test_keep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
