#include "config.h"

#include "scarce.h"

#include <stdint.h>
#include <stdlib.h>

#include <jansson.h>

static unsigned countdown; /* 0: nothing planned */
static size_t limit = SIZE_MAX;
static bool failed;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

bool scarce_refuses(size_t size)
{
    bool now = size > limit || (countdown > 0 && --countdown == 0);

    failed = failed || now;
    return now;
}

void *__wrap_malloc(size_t size)
{
    return scarce_refuses(size) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return scarce_refuses(count * size) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return scarce_refuses(size) ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
    return scarce_refuses(1) ? NULL : __real_strdup(text);
}

void scarce_init(void)
{
    json_set_alloc_funcs(__wrap_malloc, free);
    json_object_seed(1); /* it allocates nothing, but should not do its work in a measured run */
}

void scarce_fail_nth(unsigned nth)
{
    failed = false;
    countdown = nth;
}

void scarce_fail_above(size_t size)
{
    failed = false;
    limit = size;
}

bool scarce_end(void)
{
    countdown = 0;
    limit = SIZE_MAX;
    return failed;
}
