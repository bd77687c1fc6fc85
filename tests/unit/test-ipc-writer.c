/* The writer: exact bytes, counts that are right by themselves, and a failure that is remembered.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ipc/writer.h"

#define ASSERT_WRITTEN(writer, bytes)                                                              \
    do {                                                                                           \
        assert_true(writer_ok(writer));                                                            \
        assert_int_equal((writer)->buffer.size, sizeof(bytes) - 1);                                \
        assert_memory_equal((writer)->buffer.data, bytes, sizeof(bytes) - 1);                      \
    } while (0)

static void every_type(void **state)
{
    (void)state;
    struct writer writer;
    writer_init(&writer);
    writer_map(&writer, NULL);
    writer_text(&writer, "t", "ab");
    writer_text(&writer, "n", NULL);
    writer_data(&writer, "d", "\x00\xff", 2);
    writer_data(&writer, "e", NULL, 0);
    writer_number(&writer, "i", -1);
    writer_number(&writer, "j", INT64_MAX);
    writer_unsigned(&writer, "u", UINT64_MAX);
    writer_flag(&writer, "y", true);
    writer_flag(&writer, "z", false);
    writer_object(&writer, "o", "\x91\x07", 2);
    writer_end(&writer);
    ASSERT_WRITTEN(&writer, "\x8a"
                            "\xa1t\xa2"
                            "ab"
                            "\xa1n\xc0"
                            "\xa1"
                            "d\xc4\x02\x00\xff"
                            "\xa1"
                            "e\xc4\x00"
                            "\xa1i\xff"
                            "\xa1j\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"
                            "\xa1u\xcf\xff\xff\xff\xff\xff\xff\xff\xff"
                            "\xa1y\xc3"
                            "\xa1z\xc2"
                            "\xa1o\x91\x07");
    writer_free(&writer);
}

static void nested(void **state)
{
    (void)state;
    struct writer writer;
    writer_init(&writer);
    writer_map(&writer, NULL);
    writer_array(&writer, "a");
    writer_map(&writer, NULL);
    writer_number(&writer, "k", 1);
    writer_end(&writer);
    writer_array(&writer, NULL);
    writer_end(&writer);
    writer_end(&writer);
    writer_map(&writer, "m");
    assert_false(writer_ok(&writer));
    writer_end(&writer);
    writer_end(&writer);
    ASSERT_WRITTEN(&writer, "\x82\xa1"
                            "a\x92\x81\xa1k\x01\x90\xa1m\x80");
    writer_free(&writer);
}

static void write_array(struct writer *writer, size_t count)
{
    writer_init(writer);
    writer_array(writer, NULL);
    for (size_t i = 0; i < count; i++)
        writer_nil(writer, NULL);
    writer_end(writer);
}

/* The three forms of a count, at their borders; the widest is not ours. */
static void counts(void **state)
{
    (void)state;
    struct writer writer;
    write_array(&writer, 15);
    assert_int_equal(writer.buffer.size, 16);
    assert_memory_equal(writer.buffer.data, "\x9f\xc0", 2);
    writer_free(&writer);
    write_array(&writer, 16);
    assert_int_equal(writer.buffer.size, 19);
    assert_memory_equal(writer.buffer.data, "\xdc\x00\x10\xc0", 4);
    writer_free(&writer);
    write_array(&writer, WRITER_ENTRIES_MAX);
    assert_true(writer_ok(&writer));
    assert_memory_equal(writer.buffer.data, "\xdc\xff\xff\xc0", 4);
    writer_free(&writer);
    write_array(&writer, WRITER_ENTRIES_MAX + 1);
    assert_false(writer_ok(&writer));
    writer_nil(&writer, NULL);
    writer_map(&writer, NULL);
    writer_end(&writer);
    assert_false(writer_ok(&writer));
    writer_free(&writer);
}

static void wide_map(void **state)
{
    (void)state;
    struct writer writer;
    writer_init(&writer);
    writer_map(&writer, NULL);
    for (int i = 0; i < 16; i++) {
        char key[12];
        snprintf(key, sizeof(key), "%02d", i);
        writer_flag(&writer, key, true);
    }
    writer_end(&writer);
    assert_true(writer_ok(&writer));
    assert_int_equal(writer.buffer.size, 3 + 16 * 4);
    assert_memory_equal(writer.buffer.data, "\xde\x00\x10\xa2\x30\x30\xc3", 7);
    writer_free(&writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type),
        cmocka_unit_test(nested),
        cmocka_unit_test(counts),
        cmocka_unit_test(wide_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
