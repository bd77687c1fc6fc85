/* Setters for the kinds of values that settings have (settings_setter of settings_table.h). */
#ifndef SERVICE_SETTINGS_VALUE_H
#define SERVICE_SETTINGS_VALUE_H

#include "service/settings_table.h"

/* The longest time that a setting may be, ms: a century. Beyond it, sums of times could overflow.
 */
#define SETTINGS_TIME_MAX (INT64_C(36500) * 24 * 3600 * 1000)

/* Texts: a `char *`, new. */
bool settings_text(void *field, const struct settings_bounds *bounds, const char *text,
                   char *ret_why, size_t size);

/* "yes" or "no": a bool. */
bool settings_switch(void *field, const struct settings_bounds *bounds, const char *text,
                     char *ret_why, size_t size);

/* A log level's name: an enum log_level. */
bool settings_level(void *field, const struct settings_bounds *bounds, const char *text,
                    char *ret_why, size_t size);

/* Digits: an unsigned. */
bool settings_number(void *field, const struct settings_bounds *bounds, const char *text,
                     char *ret_why, size_t size);

/* Bytes, with K, M, G or T: a uint64_t. */
bool settings_bytes(void *field, const struct settings_bounds *bounds, const char *text,
                    char *ret_why, size_t size);

/* A time, with s (which is meant without a letter too), m, h or d: an int64_t of ms. */
bool settings_duration(void *field, const struct settings_bounds *bounds, const char *text,
                       char *ret_why, size_t size);

#endif
