#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "vectors.h"

FILE *vectors_open(const char *name)
{
    const char *source = getenv("abs_top_srcdir");
    char path[4096];
    FILE *file;

    snprintf(path, sizeof(path), "%s/tests/vectors/%s", source ? source : ".", name);
    file = fopen(path, "r");
    if (!file)
        fail_msg("cannot open %s", path);
    return file;
}

json_t *vectors_load(json_t **ret_root)
{
    FILE *file = vectors_open("pake-and-keys.json");
    json_t *root = json_loadf(file, 0, NULL);
    json_t *vectors = json_object_get(root, "vectors");

    fclose(file);
    assert_true(json_array_size(vectors) > 0);
    *ret_root = root;
    return vectors;
}

const char *vectors_text(const json_t *vector, const char *key)
{
    const char *text = json_string_value(json_object_get(vector, key));

    assert_non_null(text);
    return text;
}

size_t vectors_bytes(const char *hex, uint8_t *ret_bytes, size_t size)
{
    size_t length;

    assert_int_equal(sodium_hex2bin(ret_bytes, size, hex, strlen(hex), NULL, &length, NULL), 0);
    return length;
}

void vectors_hex(const json_t *vector, const char *key, uint8_t *ret_bytes, size_t size)
{
    assert_int_equal(vectors_bytes(vectors_text(vector, key), ret_bytes, size), size);
}
