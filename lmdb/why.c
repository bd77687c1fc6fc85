#include "config.h"

#include "lmdb/why.h"

#include <stdarg.h>
#include <stdio.h>

enum store_status why_not(const struct why *why, enum store_status status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(why->text, why->size, format, arguments);
    va_end(arguments);
    return status;
}
