#include "config.h"

#include <string.h>

#include "cli/escape.h"
#include "cli/wrap.h"

/* Columns of the text between two blanks; for what is longer than it can be, the bytes. */
#define WORD_MAX 128

static size_t width_of(const char *word, size_t length)
{
    char copy[WORD_MAX];

    if (length >= sizeof(copy))
        return length;
    memcpy(copy, word, length);
    copy[length] = '\0';
    return escape_width(copy);
}

/* Lines that are being filled with words. */
struct wrap_lines {
    FILE *file;
    size_t columns; /* 0: a line is as long as it is */
    size_t at;      /* where the next column is */
    size_t indent;  /* of lines that are begun because the one before was full */
    bool begun;     /* the line has a word */
};

/* Adds the words up to a newline or the end, which it returns. Blanks between them are kept, and
 * there is one at least behind what the line has already. */
static const char *add_words(struct wrap_lines *lines, const char *text)
{
    while (*text != '\0' && *text != '\n') {
        size_t blanks = strspn(text, " "), length = strcspn(text + blanks, " \n");
        size_t width = width_of(text + blanks, length);
        size_t gap = blanks == 0 && lines->begun ? 1 : blanks;

        if (lines->columns > 0 && lines->begun && lines->at + gap + width > lines->columns) {
            fprintf(lines->file, "\n%*s", (int)lines->indent, "");
            lines->at = lines->indent + width;
        } else {
            fprintf(lines->file, "%*s", (int)gap, "");
            lines->at += gap + width;
        }
        fwrite(text + blanks, 1, length, lines->file);
        lines->begun = true;
        text += blanks + length;
    }
    return text;
}

static void begin_line(struct wrap_lines *lines, size_t indent)
{
    fprintf(lines->file, "\n%*s", (int)indent, "");
    lines->at = indent;
    lines->begun = false;
}

void wrap_print(FILE *file, const char *text, size_t at, size_t indent, size_t columns)
{
    struct wrap_lines lines = {.file = file, .columns = columns, .at = at, .indent = indent};

    for (text = add_words(&lines, text); *text != '\0'; text = add_words(&lines, text)) {
        text++;
        begin_line(&lines, *text != '\0' ? indent : 0);
    }
}

/* A line of a list: a word, two blanks or more, and what it means. Where that begins; 0: it is
 * none. */
static size_t list_indent(const char *line)
{
    size_t blanks = strspn(line, " "), word = strcspn(line + blanks, " \n");
    size_t gap = strspn(line + blanks + word, " ");

    return blanks >= 2 && gap >= 2 ? blanks + word + gap : 0;
}

void wrap_paragraph(FILE *file, const char *text, size_t columns)
{
    struct wrap_lines lines = {.file = file, .columns = columns};
    bool stays = false; /* the line before does, and nothing joins it */

    for (const char *line = text; *line != '\0'; line += *line == '\n') {
        bool stayed = stays;

        lines.indent = list_indent(line);
        stays = columns == 0 || lines.indent > 0 || *line == '\n';
        if (line != text && (stays || stayed))
            begin_line(&lines, 0);
        line = add_words(&lines, line);
    }
    if (*text != '\0')
        putc('\n', file);
}
