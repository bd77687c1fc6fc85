#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/wipe.h"
#include "cli/escape.h"
#include "cli/table.h"

/* Blanks between columns. */
#define GAP 2

struct table_row {
    struct table_row *next;
    char *cells[];
};

struct table {
    const struct table_column *columns;
    size_t count;
    size_t width[TABLE_COLUMNS_MAX];
    bool titled;
    struct table_row *first, **last;
};

struct table *table_new(const struct table_column *columns, size_t count)
{
    struct table *table = count <= TABLE_COLUMNS_MAX ? calloc(1, sizeof(*table)) : NULL;

    if (table == NULL)
        return NULL;
    table->columns = columns;
    table->count = count;
    table->last = &table->first;
    for (size_t i = 0; i < count; i++)
        table->width[i] = escape_width(columns[i].title);
    return table;
}

static void free_row(struct table_row *row, size_t count)
{
    for (size_t i = 0; i < count; i++)
        wipe_free(row->cells[i]);
    free(row);
}

static void drop_rows(struct table *table)
{
    while (table->first != NULL) {
        struct table_row *row = table->first;

        table->first = row->next;
        free_row(row, table->count);
    }
    table->last = &table->first;
}

void table_free(struct table *table)
{
    if (table != NULL) {
        drop_rows(table);
        free(table);
    }
}

bool table_add(struct table *table, const char *const *cells)
{
    struct table_row *row = calloc(1, sizeof(*row) + table->count * sizeof(row->cells[0]));

    if (row == NULL)
        return false;
    for (size_t i = 0; i < table->count; i++) {
        const char *cell = cells[i] != NULL ? cells[i] : "";
        size_t width;

        row->cells[i] = escape_text(cell, strlen(cell), false);
        if (row->cells[i] == NULL) {
            free_row(row, table->count);
            return false;
        }
        width = escape_width(row->cells[i]);
        if (width > table->width[i])
            table->width[i] = width;
    }
    *table->last = row;
    table->last = &row->next;
    return true;
}

/* Blanks are printed only before a cell that is not empty: no line ends with blanks. */
static void print_row(const struct table *table, FILE *file, char *const *cells)
{
    size_t blanks = 0;

    for (size_t i = 0; i < table->count; i++) {
        const char *text = cells != NULL ? cells[i] : table->columns[i].title;
        size_t fill = table->width[i] - escape_width(text);

        if (text[0] != '\0') {
            fprintf(file, "%*s%s", (int)(blanks + (table->columns[i].right ? fill : 0)), "", text);
            blanks = table->columns[i].right ? 0 : fill;
        } else {
            blanks += fill;
        }
        blanks += GAP;
    }
    putc('\n', file);
}

void table_print(struct table *table, FILE *file)
{
    if (!table->titled && table->first != NULL) {
        print_row(table, file, NULL);
        table->titled = true;
    }
    for (const struct table_row *row = table->first; row != NULL; row = row->next)
        print_row(table, file, row->cells);
    drop_rows(table);
}
