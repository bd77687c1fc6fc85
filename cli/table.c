#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/wipe.h"
#include "cli/escape.h"
#include "cli/table.h"

/* Blanks between columns. */
#define GAP 2
/* A column that may be cut keeps so many characters: "established" is never cut. */
#define CUT_LEAST 11

struct table_row {
    struct table_row *next;
    int64_t order;
    enum terminal_colour colour;
    char *cells[];
};

struct table {
    const struct table_column *columns;
    size_t count, rows;
    size_t width[TABLE_COLUMNS_MAX]; /* of the widest cell, title included */
    bool used[TABLE_COLUMNS_MAX];    /* a cell is not NULL */
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

void table_free(struct table *table)
{
    while (table != NULL && table->first != NULL) {
        struct table_row *row = table->first;

        table->first = row->next;
        free_row(row, table->count);
    }
    free(table);
}

/* What stands for nothing in this column. */
static const char *format_nothing(const struct table_column *column)
{
    if (!column->dash)
        return "";
    return wcwidth(L'\u2013') == 1 ? "\u2013" : "-";
}

bool table_add(struct table *table, const char *const *cells, int64_t order,
               enum terminal_colour colour)
{
    struct table_row *row = calloc(1, sizeof(*row) + table->count * sizeof(row->cells[0]));

    if (row == NULL)
        return false;
    row->order = order;
    row->colour = colour;
    for (size_t i = 0; i < table->count; i++) {
        const char *cell = cells[i] != NULL ? cells[i] : format_nothing(&table->columns[i]);
        char *safe = escape_text(cell, strlen(cell), false);
        size_t width;

        /* Room to be cut in place. */
        row->cells[i] = safe != NULL ? realloc(safe, strlen(safe) + ESCAPE_CUT_EXTRA + 1) : NULL;
        if (row->cells[i] == NULL) {
            free(safe);
            free_row(row, table->count);
            return false;
        }
        width = escape_width(row->cells[i]);
        if (width > table->width[i])
            table->width[i] = width;
        table->used[i] = table->used[i] || cells[i] != NULL;
    }
    *table->last = row;
    table->last = &row->next;
    table->rows++;
    return true;
}

/* ---- fitting it ---- */

/* The columns that are shown, 0 if not, and how wide. */
struct layout {
    size_t width[TABLE_COLUMNS_MAX];
};

static size_t total(const struct table *table, const struct layout *layout)
{
    size_t sum = 0;

    for (size_t i = 0; i < table->count; i++)
        if (layout->width[i] > 0)
            sum += layout->width[i] + (sum > 0 ? GAP : 0);
    return sum;
}

/* Cuts the widest ones to make so many columns do, as far as that goes. */
static void cut_columns(const struct table *table, struct layout *layout, size_t columns)
{
    for (;;) {
        size_t *widest = NULL;

        for (size_t i = 0; i < table->count; i++)
            if (table->columns[i].cut && layout->width[i] > CUT_LEAST &&
                (widest == NULL || layout->width[i] > *widest))
                widest = &layout->width[i];
        if (widest == NULL || total(table, layout) <= columns)
            return;
        --*widest;
    }
}

/* Leaves out those that matter least until the rest fits. Nothing matters more than rank 0. */
static void fit(const struct table *table, size_t columns, struct layout *layout)
{
    unsigned most = 0;

    for (size_t i = 0; i < table->count; i++)
        if (table->columns[i].rank > most)
            most = table->columns[i].rank;
    for (;; most--) {
        for (size_t i = 0; i < table->count; i++)
            layout->width[i] = table->columns[i].rank <= most && (columns == 0 || table->used[i])
                                   ? table->width[i]
                                   : 0;
        if (columns > 0)
            cut_columns(table, layout, columns);
        if (columns == 0 || most == 0 || total(table, layout) <= columns)
            return;
    }
}

/* ---- printing it ---- */

static void print_cell(const struct table *table, FILE *file, size_t i, const struct table_row *row,
                       const char *text)
{
    bool coloured = row != NULL && table->columns[i].coloured && text[0] != '\0';
    const char *colour = coloured ? terminal_colour_begin(fileno(file), row->colour) : "";

    fprintf(file, "%s%s%s", colour, text, colour[0] != '\0' ? TERMINAL_COLOUR_END : "");
}

/* Blanks are printed only before a cell that is not empty: no line ends with blanks. */
static void print_row(const struct table *table, const struct layout *layout, FILE *file,
                      const struct table_row *row)
{
    size_t blanks = 0;

    for (size_t i = 0; i < table->count; i++) {
        const char *text = row != NULL ? row->cells[i] : table->columns[i].title;
        size_t fill;

        if (layout->width[i] == 0)
            continue;
        if (row != NULL && escape_width(text) > layout->width[i])
            escape_cut(row->cells[i], layout->width[i]);
        fill = layout->width[i] - escape_width(text);
        if (text[0] != '\0') {
            fprintf(file, "%*s", (int)(blanks + (table->columns[i].right ? fill : 0)), "");
            print_cell(table, file, i, row, text);
            blanks = table->columns[i].right ? 0 : fill;
        } else {
            blanks += fill;
        }
        blanks += GAP;
    }
    putc('\n', file);
}

static int compare(const void *a, const void *b)
{
    const struct table_row *const *one = a, *const *other = b;

    return ((*one)->order < (*other)->order) - ((*one)->order > (*other)->order);
}

bool table_print(struct table *table, FILE *file, size_t columns)
{
    struct table_row **rows;
    struct layout layout;
    size_t count = 0;

    if (table->rows == 0)
        return true;
    rows = calloc(table->rows, sizeof(struct table_row *));
    if (rows == NULL)
        return false;
    for (struct table_row *row = table->first; row != NULL; row = row->next)
        rows[count++] = row;
    qsort(rows, count, sizeof(struct table_row *), compare);
    fit(table, columns, &layout);
    print_row(table, &layout, file, NULL);
    for (size_t i = 0; i < count; i++)
        print_row(table, &layout, file, rows[i]);
    free(rows);
    return true;
}
