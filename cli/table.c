#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cli/escape.h"
#include "cli/table.h"

/* Blanks between columns. */
#define GAP 2

struct row {
    struct row *next;
    char *cells[];
};

struct table {
    const struct table_column *columns;
    size_t count;
    size_t width[TABLE_COLUMNS_MAX];
    bool titled;
    struct row *first, **last;
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

static void free_row(struct row *row, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(row->cells[i]);
    free(row);
}

static void drop_rows(struct table *table)
{
    while (table->first != NULL) {
        struct row *row = table->first;

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
    struct row *row = calloc(1, sizeof(*row) + table->count * sizeof(row->cells[0]));

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

static void print_cell(FILE *file, const char *text, int blanks, bool right, bool last)
{
    if (right) {
        fprintf(file, "%*s%s", blanks, "", text);
    } else {
        /* No blanks at the end of a line. */
        fprintf(file, "%s%*s", text, last ? 0 : blanks, "");
    }
    fprintf(file, "%*s", last ? 0 : GAP, "");
}

static void print_row(const struct table *table, FILE *file, char *const *cells)
{
    for (size_t i = 0; i < table->count; i++) {
        const char *text = cells != NULL ? cells[i] : table->columns[i].title;

        print_cell(file, text, (int)(table->width[i] - escape_width(text)), table->columns[i].right,
                   i + 1 == table->count);
    }
    putc('\n', file);
}

void table_print(struct table *table, FILE *file)
{
    if (!table->titled && table->first != NULL) {
        print_row(table, file, NULL);
        table->titled = true;
    }
    for (const struct row *row = table->first; row != NULL; row = row->next)
        print_row(table, file, row->cells);
    drop_rows(table);
}
