/*
 * A daemon's settings as a table: a row for each key, which means the same, and is checked the
 * same, in a file, in the environment and on the command line. Each source is applied over the one
 * before it: defaults < configuration file < environment < command line. Only a file has sections.
 */
#ifndef SERVICE_SETTINGS_TABLE_H
#define SERVICE_SETTINGS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most rows of a table. */
#define SETTINGS_MAX 32
/* Largest configuration file: some lines, and whatever remarks somebody adds to them. */
#define SETTINGS_FILE_MAX 65536
/* Room for a variable's name, including its NUL. */
#define SETTINGS_VARIABLE_SIZE 64

/* Where a setting comes from, the weakest first. */
enum settings_source {
    SETTINGS_BUILT_IN = 0,
    SETTINGS_FILE,
    SETTINGS_ENVIRONMENT,
    SETTINGS_COMMAND_LINE,
};

/* "built in", "configuration file", "environment", "command line". */
const char *settings_source_text(enum settings_source source);

/* The values that a number may have. */
struct settings_bounds {
    int64_t min, max; /* in the smallest unit: bytes, ms; not negative */
    bool or_zero;     /* 0, though less than min, is valid too, and means "no limit" */
};

/* Sets the field, or says in ret_why (of `size` bytes) what was expected. `bounds` is the row's. */
typedef bool (*settings_setter)(void *field, const struct settings_bounds *bounds, const char *text,
                                char *ret_why, size_t size);

enum settings_kind {
    SETTINGS_PLAIN = 0,
    SETTINGS_LIST,   /* its option may be repeated: the texts are joined with blanks */
    SETTINGS_SECRET, /* its value is not repeated in any message */
};

struct settings_row {
    const char *key;   /* in a file ("log-level"); its option is this after two hyphens */
    const char *value; /* what its value is called in the help; "" if the option needs none */
    const char *help;
    settings_setter set;
    size_t offset; /* of its field in the struct of settings */
    const struct settings_bounds *bounds;
    enum settings_kind kind;
};

/* A kind of sections of a file, which begin with [KIND "NAME"]. */
struct settings_section {
    const char *kind;
    const struct settings_row *rows;
    unsigned count;
    /* Begins a section: returns the struct that its rows set, borrowed until the next one begins.
     * NULL with a sentence in ret_why if the name is not acceptable. */
    void *(*begin)(void *settings, const char *name, char *ret_why, size_t size);
};

struct settings_table {
    const char *prefix; /* of variables: with "WORMHOLED_" it is WORMHOLED_LOG_LEVEL */
    const struct settings_row *rows;
    unsigned count;
    const struct settings_section *sections; /* or NULL */
    unsigned sections_count;
};

/* What is set, and by whom. */
struct settings_target {
    const struct settings_table *table;
    void *settings;                             /* the struct of settings */
    enum settings_source sources[SETTINGS_MAX]; /* by row: which source set it last */
};

/* The environment variable of a row. */
void settings_variable(const struct settings_table *table, const struct settings_row *row,
                       char ret_name[SETTINGS_VARIABLE_SIZE]);

/* The general row of a key; NULL if there is none. */
const struct settings_row *settings_find(const struct settings_table *table, const char *key);

/* The same among the `count` rows of a section. */
const struct settings_row *settings_find_row(const struct settings_row *rows, unsigned count,
                                             const char *key);

/* Sets one setting from its text. False with a sentence in ret_why. */
bool settings_set(const struct settings_row *row, void *settings, const char *text, char *ret_why,
                  size_t size);

/*
 * Applies a file: UTF-8 text of `key = value` lines (or `key: value`) and sections. Blank lines,
 * lines that begin with '#' or ';', and what follows a ';' that has a blank before it are skipped.
 * False with a sentence that names file and line.
 */
bool settings_read_file(struct settings_target *target, const char *path, char *ret_why,
                        size_t size);

/* Applies the environment; empty variables count as unset. False with a sentence that names the
 * variable. */
bool settings_read_environment(struct settings_target *target, char *ret_why, size_t size);

/* ---- setters for the usual kinds of values (settings_setter) ---- */

/* Any text: a `char *`, new. */
bool settings_text(void *field, const struct settings_bounds *bounds, const char *text,
                   char *ret_why, size_t size);

/* A path: a `char *`, new. "~" is the home directory; variables and quotation marks, which a shell
 * would take away, are refused. */
bool settings_path(void *field, const struct settings_bounds *bounds, const char *text,
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

/* A size (base/quantity.h): a uint64_t of bytes. */
bool settings_bytes(void *field, const struct settings_bounds *bounds, const char *text,
                    char *ret_why, size_t size);

/* A duration (base/quantity.h): an int64_t of ms. */
bool settings_duration(void *field, const struct settings_bounds *bounds, const char *text,
                       char *ret_why, size_t size);

#endif
