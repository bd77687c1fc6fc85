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
#include <stdio.h>

/* Most rows of a table. */
#define SETTINGS_MAX 48
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

/* Writes the value as the setter reads it, but without anything secret. False: nothing is set. */
typedef bool (*settings_printer)(const void *field, FILE *out);

/* What a value is. */
struct settings_type {
    settings_setter set;
    settings_printer print;
};

enum settings_kind {
    SETTINGS_PLAIN = 0,
    SETTINGS_LIST,   /* its option may be repeated: the texts are joined with blanks */
    SETTINGS_SECRET, /* its value is not repeated in any message */
};

struct settings_row {
    const char *key;   /* in a file ("log-level"); its option is this after two hyphens */
    const char *value; /* what its value is called in the help; "" if the option needs none */
    const char *help;
    const struct settings_type *type;
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

/* A section of a file, or a key that it sets. */
struct settings_entry {
    const struct settings_section *section;
    const struct settings_row *row; /* NULL: the section itself */
    char *name;                     /* of the section; else NULL */
    const void *object;             /* what the row has set; borrowed from the settings */
    unsigned line;
};

/* Where settings come from. */
struct settings_origin {
    char *file;                                 /* that was read; NULL: none */
    enum settings_source sources[SETTINGS_MAX]; /* by row: which source set it last */
    unsigned lines[SETTINGS_MAX];               /* by row: in the file, if it is set there */
    struct settings_entry *entries;             /* in the order of the file */
    unsigned entries_count;
};

/* What is set, and by whom. */
struct settings_target {
    const struct settings_table *table;
    void *settings; /* the struct of settings */
    bool record;    /* also the entries of sections: settings_origin_clear() them */
    struct settings_origin origin;
};

/* Frees all but the file's path. */
void settings_origin_clear(struct settings_origin *origin);

/*
 * Adds a sentence to the mistakes in `why`, a string of at most size - 1 bytes: each has a line of
 * its own. Control characters are replaced. What there is no room for is left out, and the last
 * line says so. Always returns false.
 */
bool settings_mistake(char *why, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Room for settings_mistake(): dozens of mistakes. */
#define SETTINGS_WHY_SIZE 16384

/* The environment variable of a row. */
void settings_variable(const struct settings_table *table, const struct settings_row *row,
                       char ret_name[SETTINGS_VARIABLE_SIZE]);

/* Where a general setting was set, with ": " after it: "FILE:LINE: ", "VARIABLE: ", "--OPTION: ";
 * "" if it is built in. */
void settings_place(const struct settings_table *table, const struct settings_origin *origin,
                    const char *key, char *ret_place, size_t size);

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
 * lines that begin with '#' or ';', and what follows one of these with a blank before it are
 * skipped. False if there are mistakes: all are added to ret_why, as by settings_mistake(), with
 * file and line. The rest of the settings is set all the same.
 */
bool settings_read_file(struct settings_target *target, const char *path, char *ret_why,
                        size_t size);

/* Applies the environment; empty variables count as unset. False as above: each sentence names the
 * variable. */
bool settings_read_environment(struct settings_target *target, char *ret_why, size_t size);

/* Prints the general settings in effect, those of sections that were recorded, and where each comes
 * from, as a configuration file. */
void settings_print(const struct settings_table *table, const void *settings,
                    const struct settings_origin *origin, FILE *out);

/* ---- the usual types of values ---- */

/* Any text without control characters: a `char *`, new. */
extern const struct settings_type settings_text;

/* A path: a `char *`, new. "~" is the home directory; variables and quotation marks, which a shell
 * would take away, are refused. */
extern const struct settings_type settings_path;

/* "yes" or "no": a bool. */
extern const struct settings_type settings_switch;

/* A log level's name: an enum log_level. */
extern const struct settings_type settings_level;

/* Digits: an unsigned. */
extern const struct settings_type settings_number;

/* A size (base/quantity.h): a uint64_t of bytes. */
extern const struct settings_type settings_bytes;

/* A duration (base/quantity.h): an int64_t of ms. */
extern const struct settings_type settings_duration;

/* Parts of other types: the setter and the printer of settings_text. */
bool settings_set_text(void *field, const struct settings_bounds *bounds, const char *text,
                       char *ret_why, size_t size);
bool settings_print_text(const void *field, FILE *out);

#endif
