/* What is reported, with --json: one object a line on standard error. Notes go out at once; what
 * else is reported makes up one error, which goes out when the command ends. */
#ifndef CLI_REPORT_JSON_H
#define CLI_REPORT_JSON_H

#include <stdbool.h>

/* From now on it is, or is not. What was reported before and is not out yet is kept. */
void report_json_set(bool on);

/* True if it is. */
bool report_json_is_on(void);

/* Keeps one line, without control characters: the error if it is the first one or `leading`,
 * otherwise a line of advice. Of several that are leading the first one counts. */
void report_json_add(bool leading, const char *line);

/* The error's word, if it has none yet. `word` is copied, and cut if it is long. */
void report_json_add_code(const char *word);

/* Writes {"note": …}. */
void report_json_note(const char *line);

/* {"error": …, "code": …, "status": …, "advice": … or null} as a line of text. `code` may be NULL:
 * it follows from the status. New; wipe_free(); NULL: out of memory. */
char *report_json_format(const char *error, const char *code, int status, const char *advice);

/* The command ends with this exit status (0: notes remain of what was kept): writes the object. */
void report_json_finish(int status);

#endif
