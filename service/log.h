/*
 * Logging to stderr: level, subsystem, text. Under systemd ($JOURNAL_STREAM names stderr) each line
 * begins with the journal's <N> priority and carries no time. Never pass a code, a key, a message
 * or a mailbox id.
 */
#ifndef SERVICE_LOG_H
#define SERVICE_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR = 0, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* "error", "warning", "info", "debug". */
bool log_level_parse(const char *text, enum log_level *ret_level);
const char *log_level_name(enum log_level level);

void log_set_level(enum log_level level);

/* From now on lines go to syslog instead: for a daemon in the background, whose stderr is closed.
 */
void log_to_syslog(void);

void log_error(const char *subsystem, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void log_warning(const char *subsystem, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void log_info(const char *subsystem, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_debug(const char *subsystem, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
