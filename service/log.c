#include "config.h"

#include "service/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"

/* Longest line without its time; longer ones are cut. Texts from relays have at most 1024 bytes. */
#define LINE_MAX_BYTES 1280
/* "2026-11-23 01:07:25.123 " */
#define TIME_MAX_BYTES 40

static const struct {
    const char *name;
    int priority; /* syslog's and the journal's */
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", LOG_ERR},
    [LOG_LEVEL_WARNING] = {"warning", LOG_WARNING},
    [LOG_LEVEL_INFO] = {"info", LOG_INFO},
    [LOG_LEVEL_DEBUG] = {"debug", LOG_DEBUG},
};

enum sink { SINK_UNKNOWN = 0, SINK_STDERR, SINK_JOURNAL, SINK_SYSLOG };

static enum log_level threshold = LOG_LEVEL_INFO;
static enum sink sink;

bool log_level_parse(const char *text, enum log_level *ret_level)
{
    for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++)
        if (strcmp(text, levels[i].name) == 0) {
            *ret_level = (enum log_level)i;
            return true;
        }
    return false;
}

const char *log_level_name(enum log_level level)
{
    return levels[level].name;
}

void log_set_level(enum log_level level)
{
    threshold = level;
}

void log_to_syslog(void)
{
    openlog(program_invocation_short_name, LOG_PID, LOG_DAEMON);
    sink = SINK_SYSLOG;
}

/* systemd.exec(5): $JOURNAL_STREAM is device:inode of the stream; a redirected stderr does not
 * match it. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char ours[48]; /* two numbers of 20 digits at most */
    struct stat status;
    if (stream == NULL || fstat(STDERR_FILENO, &status) < 0)
        return false;
    snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    return strcmp(stream, ours) == 0;
}

static void write_line(enum log_level level, const char *subsystem, const char *format,
                       va_list arguments)
{
    if (level > threshold)
        return;
    if (sink == SINK_UNKNOWN)
        sink = stderr_is_journal() ? SINK_JOURNAL : SINK_STDERR;
    char text[LINE_MAX_BYTES];
    vsnprintf(text, sizeof(text), format, arguments);
    utf8_clean(text, "", text, sizeof(text)); /* relays and peers must not forge lines */
    if (sink == SINK_SYSLOG) {
        syslog(levels[level].priority, "%s: %s", subsystem, text);
        return;
    }
    if (sink == SINK_JOURNAL) {
        fprintf(stderr, "<%d>%s: %s\n", levels[level].priority, subsystem, text);
        return;
    }
    /* Local time, because people compare it with their watches. */
    int64_t now = clock_now();
    time_t seconds = (time_t)(now / 1000);
    struct tm parts;
    char time[TIME_MAX_BYTES] = "";
    size_t length = localtime_r(&seconds, &parts) == NULL
                        ? 0
                        : strftime(time, sizeof(time), "%Y-%m-%d %H:%M:%S", &parts);
    if (length > 0)
        length +=
            (size_t)snprintf(time + length, sizeof(time) - length, ".%03d", (int)(now % 1000));
    if (length > 0 && strftime(time + length, sizeof(time) - length, "%z ", &parts) == 0)
        time[0] = '\0';
    fprintf(stderr, "%s%s: %s: %s\n", time, levels[level].name, subsystem, text);
}

#define DEFINE_LOG(function, level)                                                                \
    void function(const char *subsystem, const char *format, ...)                                  \
    {                                                                                              \
        va_list arguments;                                                                         \
        va_start(arguments, format);                                                               \
        write_line(level, subsystem, format, arguments);                                           \
        va_end(arguments);                                                                         \
    }

DEFINE_LOG(log_error, LOG_LEVEL_ERROR)
DEFINE_LOG(log_warning, LOG_LEVEL_WARNING)
DEFINE_LOG(log_info, LOG_LEVEL_INFO)
DEFINE_LOG(log_debug, LOG_LEVEL_DEBUG)
