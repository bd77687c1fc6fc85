#include "config.h"

#include "wormhole/schedule.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define SECOND ((int64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* The rules for each name. Schedules that are not presets have the `timeout` DEFAULT_TIMEOUT. */
static const struct preset {
    const char *name;
    int64_t timeout;
    struct schedule schedule;
} presets[] = {
    {"realtime", 10 * MINUTE, {.count = 1, .preset = true, .rules = {{0, 0}}}},
    {"email",
     14 * DAY,
     {.count = 4,
      .preset = true,
      .rules = {{0, 0}, {2 * MINUTE, MINUTE}, {HOUR, 5 * MINUTE}, {DAY, HOUR}}}},
};
#define PRESETS         (sizeof(presets) / sizeof(*presets))
#define DEFAULT_TIMEOUT (14 * DAY)

static const char *const fault_texts[] = {
    [SCHEDULE_OK] = "the schedule is well-formed",
    [SCHEDULE_SYNTAX] =
        "a schedule is realtime, email, or WHEN:INTERVAL,... in seconds, as in 0:60,3600:600",
    [SCHEDULE_UNSORTED] = "the times in a schedule must increase",
    [SCHEDULE_NO_START] = "the first time in a schedule must be 0",
    [SCHEDULE_RANGE] = ("the times in a schedule are at most a year, and intervals are 0 (hold) or "
                        "at least a tenth of a second"),
    [SCHEDULE_TOO_MANY] = "a schedule has at most 16 rules",
};
_Static_assert(SCHEDULE_RULES_MAX == 16 && SCHEDULE_INTERVAL_MIN == 100, "as the texts say");

const char *schedule_fault_text(enum schedule_fault fault)
{
    return fault_texts[fault];
}

static bool same_rules(const struct schedule *a, const struct schedule *b)
{
    if (a->count != b->count)
        return false;
    for (unsigned i = 0; i < a->count; i++) {
        if (a->rules[i].when != b->rules[i].when || a->rules[i].interval != b->rules[i].interval)
            return false;
    }
    return true;
}

/* The preset that this schedule is; NULL if it is the user's own list, even an equal one. */
static const struct preset *find_preset(const struct schedule *schedule)
{
    for (size_t i = 0; i < PRESETS && schedule->preset; i++) {
        if (same_rules(schedule, &presets[i].schedule))
            return &presets[i];
    }
    return NULL;
}

/* ---- reading ---- */

/* Appends a digit. Stays just over the limit instead of overflowing; the range check rejects it
 * then. */
static int64_t append_digit(int64_t number, char digit)
{
    if (number > SCHEDULE_TIME_MAX)
        return number;
    return number * 10 + (digit - '0');
}

/* Reads up to three decimals as ms. */
static bool read_decimals(const char **at, int64_t *ret_ms)
{
    int64_t weight = 100, ms = 0;
    const char *start = *at;

    for (; isdigit((unsigned char)**at) && weight > 0; (*at)++, weight /= 10)
        ms += (**at - '0') * weight;
    if (*at == start)
        return false;
    *ret_ms = ms;
    return true;
}

/* Reads seconds as ms: digits, or digits, a point, and one to three digits; optionally preceded by
 * a minus. */
static enum schedule_fault read_seconds(const char **at, int64_t *ret_ms)
{
    bool negative = **at == '-';
    int64_t seconds = 0, ms = 0;

    if (negative)
        (*at)++;
    if (!isdigit((unsigned char)**at))
        return SCHEDULE_SYNTAX;
    for (; isdigit((unsigned char)**at); (*at)++)
        seconds = append_digit(seconds, **at);
    if (**at == '.') {
        (*at)++;
        if (!read_decimals(at, &ms))
            return SCHEDULE_SYNTAX;
    }
    ms += seconds > SCHEDULE_TIME_MAX ? seconds : seconds * SECOND;
    if (negative || ms > SCHEDULE_TIME_MAX)
        return SCHEDULE_RANGE;
    *ret_ms = ms;
    return SCHEDULE_OK;
}

/* Reads WHEN:INTERVAL. */
static enum schedule_fault read_rule(const char **at, struct schedule_rule *ret_rule)
{
    struct schedule_rule rule;
    enum schedule_fault fault = read_seconds(at, &rule.when);

    if (fault)
        return fault;
    if (**at != ':')
        return SCHEDULE_SYNTAX;
    (*at)++;
    fault = read_seconds(at, &rule.interval);
    if (fault)
        return fault;
    if (rule.interval != 0 && rule.interval < SCHEDULE_INTERVAL_MIN)
        return SCHEDULE_RANGE;
    *ret_rule = rule;
    return SCHEDULE_OK;
}

static enum schedule_fault append_rule(struct schedule *schedule, const struct schedule_rule *rule)
{
    if (schedule->count == 0 && rule->when != 0)
        return SCHEDULE_NO_START;
    if (schedule->count == SCHEDULE_RULES_MAX)
        return SCHEDULE_TOO_MANY;
    if (schedule->count > 0 && rule->when <= schedule->rules[schedule->count - 1].when)
        return SCHEDULE_UNSORTED;
    schedule->rules[schedule->count++] = *rule;
    return SCHEDULE_OK;
}

static enum schedule_fault read_list(const char *at, struct schedule *ret_schedule)
{
    struct schedule schedule = {.count = 0};

    for (;;) {
        struct schedule_rule rule;
        enum schedule_fault fault = read_rule(&at, &rule);

        if (!fault)
            fault = append_rule(&schedule, &rule);
        if (fault)
            return fault;
        if (*at == '\0')
            break;
        if (*at++ != ',')
            return SCHEDULE_SYNTAX;
    }
    *ret_schedule = schedule;
    return SCHEDULE_OK;
}

enum schedule_fault schedule_parse(const char *text, struct schedule *ret_schedule)
{
    for (size_t i = 0; i < PRESETS; i++) {
        if (strcmp(text, presets[i].name) == 0) {
            *ret_schedule = presets[i].schedule;
            return SCHEDULE_OK;
        }
    }
    return read_list(text, ret_schedule);
}

/* ---- writing ---- */

/* Writes seconds without needless decimals; at most 12 bytes and a NUL. Returns the end. */
static char *write_seconds(char *at, int64_t ms)
{
    at += sprintf(at, "%d", (int)(ms / SECOND));
    if (ms % SECOND == 0)
        return at;
    at += sprintf(at, ".%03d", (int)(ms % SECOND));
    while (at[-1] == '0')
        at--;
    *at = '\0';
    return at;
}

/* Each rule takes two numbers, a colon, and a comma or the NUL. */
_Static_assert(SCHEDULE_RULES_MAX *(12 + 1 + 12 + 1) <= SCHEDULE_TEXT_MAX, "the text fits");
_Static_assert(SCHEDULE_TIME_MAX / SECOND <= 99999999, "eight digits are enough");

void schedule_format(const struct schedule *schedule, char ret_text[SCHEDULE_TEXT_MAX])
{
    const struct preset *preset = find_preset(schedule);
    char *at = ret_text;

    if (preset != NULL) {
        strcpy(ret_text, preset->name);
        return;
    }
    for (unsigned i = 0; i < schedule->count; i++) {
        if (i > 0)
            *at++ = ',';
        at = write_seconds(at, schedule->rules[i].when);
        *at++ = ':';
        at = write_seconds(at, schedule->rules[i].interval);
    }
}

/* ---- queries ---- */

int64_t schedule_default_timeout(const struct schedule *schedule)
{
    const struct preset *preset = find_preset(schedule);

    return preset != NULL ? preset->timeout : DEFAULT_TIMEOUT;
}

const struct schedule_rule *schedule_rule_at(const struct schedule *schedule, int64_t elapsed)
{
    unsigned i = 0;

    while (i + 1 < schedule->count && schedule->rules[i + 1].when <= elapsed)
        i++;
    return &schedule->rules[i];
}

int64_t schedule_rule_left(const struct schedule *schedule, int64_t elapsed)
{
    const struct schedule_rule *last = &schedule->rules[schedule->count - 1];
    const struct schedule_rule *rule = schedule_rule_at(schedule, elapsed);

    if (rule == last)
        return INT64_MAX;
    return rule[1].when - (elapsed > 0 ? elapsed : 0);
}

int64_t schedule_wait(const struct schedule *schedule, int64_t elapsed, int64_t hold,
                      int64_t *ret_interval)
{
    const struct schedule_rule *last = &schedule->rules[schedule->count - 1];
    const struct schedule_rule *rule = schedule_rule_at(schedule, elapsed);

    if (elapsed < 0)
        elapsed = 0;
    for (;; rule++) {
        int64_t begins = rule->when > elapsed ? rule->when - elapsed : 0;
        int64_t interval = rule->interval > 0 ? rule->interval : hold;
        int64_t wait = interval > begins ? interval : begins;

        if (rule == last || wait <= rule[1].when - elapsed) {
            *ret_interval = interval;
            return wait;
        }
    }
}
