/*
 * Polling schedules, as the original library defines them: a sorted list of (when, interval). At
 * `when` after the first start the interval between visits is set to `interval`; interval 0 means:
 * hold the connection. A rule takes effect when its time comes, whenever the visit before it was.
 * Presets are livelier: they start over when something happens (plan.c).
 */
#ifndef WORMHOLE_SCHEDULE_H
#define WORMHOLE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limit on the rules of one schedule. */
#define SCHEDULE_RULES_MAX 16
/* Shortest interval in ms other than 0: ten visits a second still are polling; holding is for
 * anything faster. */
#define SCHEDULE_INTERVAL_MIN 100
/* Longest `when` and interval in ms: a year. */
#define SCHEDULE_TIME_MAX ((int64_t)366 * 24 * 3600 * 1000)
/* Longest text that schedule_format writes, with the NUL. */
#define SCHEDULE_TEXT_MAX 512

struct schedule_rule {
    int64_t when;     /* ms after the start */
    int64_t interval; /* ms; 0: hold the connection */
};

struct schedule {
    unsigned count; /* at least 1; the first `when` is 0 */
    struct schedule_rule rules[SCHEDULE_RULES_MAX];
    bool preset; /* "realtime" or "email": intervals may be shortened to keep a forgetful relay's
                    mailbox alive */
};

enum schedule_fault {
    SCHEDULE_OK = 0,
    SCHEDULE_SYNTAX,   /* neither a preset nor WHEN:INTERVAL,... */
    SCHEDULE_UNSORTED, /* a `when` is not greater than the one before */
    SCHEDULE_NO_START, /* the first `when` is not 0 */
    SCHEDULE_RANGE,    /* negative, too short or too long */
    SCHEDULE_TOO_MANY, /* over SCHEDULE_RULES_MAX rules */
};

/* Reads "realtime", "email", or WHEN:INTERVAL,... in seconds with optional decimals
 * ("0:0.5,300:60"). */
enum schedule_fault schedule_parse(const char *text, struct schedule *ret_schedule);

/* One sentence for people. Borrowed. */
const char *schedule_fault_text(enum schedule_fault fault);

/* The name of the preset, or the list, in the form that schedule_parse reads. */
void schedule_format(const struct schedule *schedule, char ret_text[SCHEDULE_TEXT_MAX]);

/* How long an unanswered session with this schedule lasts unless told otherwise, ms: realtime 10
 * minutes, others 14 days. The same for one that is established. */
int64_t schedule_default_timeout(const struct schedule *schedule);

/* The rule in force `elapsed` ms after the start (negative counts as 0). Borrowed. */
const struct schedule_rule *schedule_rule_at(const struct schedule *schedule, int64_t elapsed);

/* How long after `elapsed` the rule in force changes, ms; INT64_MAX if it is the last one. */
int64_t schedule_rule_left(const struct schedule *schedule, int64_t elapsed);

/*
 * How long after a visit at `elapsed` the next one is due, ms: after the interval in force; or, if
 * that changes before, after the new one, but no earlier than it changes. `hold` stands for
 * interval 0. ret_interval: the interval that this follows from.
 */
int64_t schedule_wait(const struct schedule *schedule, int64_t elapsed, int64_t hold,
                      int64_t *ret_interval);

#endif
