#include "config.h"

#include "base/typos.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* One row of the matrix at a time. */
size_t spelling_distance(const char *name, size_t length, const char *word)
{
    size_t row[SPELLING_WORD_MAX + 1], columns = strlen(word);

    if (columns > SPELLING_WORD_MAX || length > SPELLING_WORD_MAX)
        return SPELLING_TYPOS_MAX + 1;
    for (size_t j = 0; j <= columns; j++)
        row[j] = j;
    for (size_t i = 0; i < length; i++) {
        size_t diagonal = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < columns; j++) {
            bool same = tolower((unsigned char)name[i]) == tolower((unsigned char)word[j]);
            size_t above = row[j + 1], least = diagonal + !same;

            if (above + 1 < least)
                least = above + 1;
            if (row[j] + 1 < least)
                least = row[j] + 1;
            row[j + 1] = least;
            diagonal = above;
        }
    }
    return row[columns] < columns ? row[columns] : SPELLING_TYPOS_MAX + 1;
}
