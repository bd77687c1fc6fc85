#include "config.h"

#include "kv/open_error.h"

#include <stdarg.h>
#include <stdio.h>

enum kv_status open_error_set(const struct open_error *why, enum kv_status status,
                              const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(why->text, why->size, format, arguments);
    va_end(arguments);
    return status;
}
