/* Lines out of the bytes of an HTTP head, however they end, and no more bytes than a head may have.
 */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "net/http_head.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static struct http_head head;

/* The complete lines of `text`, each in brackets, and what ended it. */
static enum http_head_next feed(bool response, const char *text, char *ret_lines, size_t size)
{
    enum http_head_next next = HTTP_HEAD_MORE;

    ret_lines[0] = '\0';
    http_head_begin(&head, response);
    while (*text != '\0' && next <= HTTP_HEAD_LINE) {
        next = http_head_take(&head, *text++);
        if (next == HTTP_HEAD_LINE) {
            assert_int_equal(strlen(head.line), head.length);
            snprintf(ret_lines + strlen(ret_lines), size - strlen(ret_lines), "[%s]", head.line);
        }
    }
    return next;
}

static void test_lines(void **state)
{
    static const struct {
        bool response;
        const char *text, *lines;
        enum http_head_next next;
    } cases[] = {
        {false, "GET / HTTP/1.1\r\nA: b\r\n\r\n", "[GET / HTTP/1.1][A: b][]", HTTP_HEAD_LINE},
        {false, "GET / HTTP/1.1\nA: b\n\n", "[GET / HTTP/1.1][A: b][]", HTTP_HEAD_LINE},
        {true, "HTTP/1.1 200 OK\r\nA:\tb", "[HTTP/1.1 200 OK]", HTTP_HEAD_MORE},
        {true, "HTTP/1.", "", HTTP_HEAD_MORE},
        {true, "HTTP/2", "", HTTP_HEAD_NO_HTTP},
        {true, "\r\n", "", HTTP_HEAD_NO_HTTP},
        {true, "HTTP/1.1 200\r\nSSH\r\n", "[HTTP/1.1 200][SSH]", HTTP_HEAD_LINE},
        {false, "a\x01", "", HTTP_HEAD_NO_HTTP},
        {false, "a\rb", "", HTTP_HEAD_STRAY_CR},
        {false, "a\r\r\n", "", HTTP_HEAD_STRAY_CR},
        {false, "caf\xc3\xa9\n", "[caf\xc3\xa9]", HTTP_HEAD_LINE},
    };
    char lines[256];

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        enum http_head_next next = feed(cases[i].response, cases[i].text, lines, sizeof(lines));

        if (next != cases[i].next || strcmp(lines, cases[i].lines) != 0)
            fail_msg("%s: %s %d", cases[i].text, lines, (int)next);
    }
}

static void take_line(size_t length)
{
    for (size_t i = 0; i < length; i++)
        assert_int_equal(http_head_take(&head, 'a'), HTTP_HEAD_MORE);
    assert_int_equal(http_head_take(&head, '\n'), HTTP_HEAD_LINE);
    assert_int_equal(head.length, length);
    assert_int_equal(strlen(head.line), length);
}

static void test_longest_line(void **state)
{
    (void)state;
    http_head_begin(&head, false);
    take_line(HTTP_LINE_MAX);
    for (size_t i = 0; i < HTTP_LINE_MAX; i++)
        assert_int_equal(http_head_take(&head, 'a'), HTTP_HEAD_MORE);
    assert_int_equal(http_head_take(&head, 'a'), HTTP_HEAD_TOO_LONG);
}

/* The other limit is that of all bytes, of several heads together. */
static void test_limit(void **state)
{
    (void)state;
    http_head_begin(&head, false);
    for (size_t left = HTTP_HEAD_MAX; left > 0; left -= HTTP_LINE_MAX) {
        take_line(HTTP_LINE_MAX - 1);
        http_head_again(&head);
    }
    assert_int_equal(http_head_take(&head, 'a'), HTTP_HEAD_TOO_LONG);
}

static void test_again(void **state)
{
    char lines[64];

    (void)state;
    assert_int_equal(feed(true, "HTTP/1.1 100\n\n", lines, sizeof(lines)), HTTP_HEAD_LINE);
    http_head_again(&head);
    assert_int_equal(http_head_take(&head, 'S'), HTTP_HEAD_NO_HTTP);
}

static void test_status(void **state)
{
    static const struct {
        const char *line, *text;
    } cases[] = {
        {"HTTP/1.1 404 Not Found", "404 Not Found"},
        {"HTTP/1.0 200", "200"},
        {"HTTP/1.1 500 \x1b[2J\xff", "500 ?[2J?"},
        {"HTTP/1.1 2000 x", NULL},
        {"HTTP/1.1 20", NULL},
        {"HTTP/1.1-200 x", NULL},
        {"HTTP/2.0 200 x", NULL},
        {"", NULL},
    };
    char line[64];

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        snprintf(line, sizeof(line), "%s", cases[i].line);
        const char *text = http_head_status(line);

        if ((text == NULL) != (cases[i].text == NULL) ||
            (text != NULL && strcmp(text, cases[i].text) != 0))
            fail_msg("%s: %s", cases[i].line, text != NULL ? text : "NULL");
    }
}

static void test_values(void **state)
{
    static const struct {
        const char *line, *name, *value;
    } cases[] = {
        {"Host: relay", "Host", "relay"},
        {"Host:relay", "Host", "relay"},
        {"A: \t b c \t", "A", "b c"},
        {"A:", "A", ""},
        {"A: b:c", "A", "b:c"},
        {"A : b", NULL, NULL},
        {" A: b", NULL, NULL},
        {": b", NULL, NULL},
        {"A", NULL, NULL},
    };
    char line[64];

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        snprintf(line, sizeof(line), "%s", cases[i].line);
        const char *value = http_head_value(line);

        if (cases[i].value == NULL) {
            assert_null(value);
            continue;
        }
        assert_string_equal(value, cases[i].value);
        assert_string_equal(line, cases[i].name);
    }
    assert_true(http_head_has_token("keep-alive, Upgrade", "upgrade"));
    assert_true(http_head_has_token("upgrade", "upgrade"));
    assert_false(http_head_has_token("upgrades, up", "upgrade"));
    assert_false(http_head_has_token("", "upgrade"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),  cmocka_unit_test(test_longest_line),
        cmocka_unit_test(test_limit),  cmocka_unit_test(test_again),
        cmocka_unit_test(test_status), cmocka_unit_test(test_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
