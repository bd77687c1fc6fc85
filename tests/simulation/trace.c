#include "config.h"

#include "tests/simulation/trace.h"

#include <stdarg.h>
#include <stdio.h>

#include "service/log.h"
#include "tests/simulation/timeline.h"

#define FAILURE_MAX 512

static bool is_loud;
static char failure[FAILURE_MAX];

void trace_begin(bool loud)
{
    is_loud = loud;
    failure[0] = '\0';
}

static void print_head(const char *who)
{
    int64_t now = timeline_now();
    printf("%3lldd %02lld:%02lld:%02lld.%03lld  %-8s ", (long long)(now / TIMELINE_DAY),
           (long long)(now / TIMELINE_HOUR % 24), (long long)(now / TIMELINE_MINUTE % 60),
           (long long)(now / TIMELINE_SECOND % 60), (long long)(now % 1000), who);
}

static void print(const char *who, const char *format, va_list values)
{
    if (!is_loud)
        return;
    print_head(who);
    vprintf(format, values);
    putchar('\n');
}

void trace(const char *who, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    print(who, format, values);
    va_end(values);
}

void trace_fail(const char *format, ...)
{
    va_list values;
    if (failure[0] != '\0')
        return;
    va_start(values, format);
    vsnprintf(failure, sizeof(failure), format, values);
    va_end(values);
    trace("FAILED", "%s", failure);
}

const char *trace_failure(void)
{
    return failure[0] == '\0' ? NULL : failure;
}

/* ---- the programs' own log, in place of service/log.c ---- */

#define LOG(level)                                                                                 \
    void log_##level(const char *subsystem, const char *format, ...)                               \
    {                                                                                              \
        va_list values;                                                                            \
        va_start(values, format);                                                                  \
        print(subsystem, format, values);                                                          \
        va_end(values);                                                                            \
    }

LOG(error)
LOG(warning)
LOG(info)
LOG(debug)
