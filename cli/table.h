/* A table for people: columns as wide as what is in them. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Most columns of a table. */
#define TABLE_COLUMNS_MAX 10

struct table_column {
    const char *title;
    bool right; /* numbers */
};

struct table;

/* `columns` is borrowed, as long as the table lives. New; table_free(); NULL: out of memory. */
struct table *table_new(const struct table_column *columns, size_t count);
void table_free(struct table *table);

/* Adds a row of as many cells as there are columns; NULL is an empty one. Copies them, with control
 * characters escaped. False: out of memory. */
bool table_add(struct table *table, const char *const *cells);

/* Prints and drops the rows that were added, the first time below the titles. If it is called now
 * and then, a table of any length takes little memory; columns never become narrower again. */
void table_print(struct table *table, FILE *file);

#endif
