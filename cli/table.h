/* A table for people: columns as wide as what is in them, and no wider than the terminal. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/terminal.h"

/* Most columns of a table. */
#define TABLE_COLUMNS_MAX 16

struct table_column {
    const char *title;
    unsigned
        rank;   /* 0: always shown; where there is no room, the highest ones are left out first */
    bool right; /* numbers */
    bool cut;   /* where there is no room, long cells are cut */
    bool coloured; /* in the colour of the row */
    bool dash;     /* a cell that is NULL shows as a dash */
};

struct table;

/* `columns` is borrowed, as long as the table lives. New; table_free(); NULL: out of memory. */
struct table *table_new(const struct table_column *columns, size_t count);
void table_free(struct table *table);

/* Adds a row of as many cells as there are columns; NULL: there is nothing to say. Copies them,
 * with control characters escaped. Rows of a higher `order` come first. False: out of memory. */
bool table_add(struct table *table, const char *const *cells, int64_t order,
               enum terminal_colour colour);

/* Prints the rows below the titles, in so many columns of a terminal, without the columns in which
 * all cells are NULL (0: all of them, and whatever they need); nothing if there is no row. Cells
 * that were cut stay so. False: out of memory. */
bool table_print(struct table *table, FILE *file, size_t columns);

#endif
