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

void wrap_print(FILE *file, const char *text, size_t at, size_t indent, size_t columns)
{
    const char *gap = "";

    while (*text != '\0') {
        size_t blanks = strspn(text, " "), length = strcspn(text + blanks, " \n");
        size_t width = width_of(text + blanks, length);

        if (columns > 0 && gap[0] != '\0' && at + blanks + width > columns) {
            fprintf(file, "\n%*s", (int)indent, "");
            at = indent + width;
        } else {
            fprintf(file, "%*s", (int)blanks, "");
            at += blanks + width;
        }
        fwrite(text + blanks, 1, length, file);
        gap = " ";
        text += blanks + length;
        if (*text == '\n') {
            fprintf(file, "\n%*s", text[1] != '\0' ? (int)indent : 0, "");
            at = indent;
            gap = "";
            text++;
        }
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
    bool begun = false;
    size_t at = 0;

    for (const char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n"), indent = list_indent(line);

        if (columns == 0 || indent > 0 || length == 0) {
            char copy[256];

            snprintf(copy, sizeof(copy), "%.*s", (int)length, line);
            fputs(begun ? "\n" : "", file);
            wrap_print(file, copy, 0, indent, columns);
            begun = true;
            at = columns; /* what follows begins a line */
        } else {
            for (const char *word = line; word < line + length;) {
                size_t bytes = strcspn(word, " \n"), width = width_of(word, bytes);

                if (begun && at + 1 + width > columns) {
                    putc('\n', file);
                    at = 0;
                } else if (begun) {
                    putc(' ', file);
                    at++;
                }
                fwrite(word, 1, bytes, file);
                at += width;
                begun = true;
                word += bytes + strspn(word + bytes, " ");
            }
        }
        line += length + (line[length] == '\n');
    }
    if (begun)
        putc('\n', file);
}
