#include "config.h"

#include "content.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct content content_read(const char *path)
{
    struct content content = {0};
    struct stat status;
    int file = open(path, O_RDONLY);
    assert_true(file >= 0);
    assert_int_equal(fstat(file, &status), 0);
    content.length = (size_t)status.st_size;
    content.data = malloc(content.length + 1);
    assert_non_null(content.data);
    assert_int_equal(read(file, content.data, content.length), content.length);
    close(file);
    return content;
}

void content_write(const char *path, const void *data, size_t length)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(file >= 0);
    if (length > 0)
        assert_int_equal(write(file, data, length), length);
    close(file);
}

void content_assert(const char *path, const void *data, size_t length)
{
    struct content content = content_read(path);
    assert_int_equal(content.length, length);
    if (length > 0)
        assert_memory_equal(content.data, data, length);
    free(content.data);
}

bool content_has(const struct content *content, const void *bytes, size_t length)
{
    return memmem(content->data, content->length, bytes, length) != NULL;
}
