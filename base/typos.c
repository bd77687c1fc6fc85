#include "config.h"

#include "base/typos.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* How many letters must be changed, added or left out to make the word of the name: more than
 * TYPOS_MAX if either is longer than TYPOS_WORD_MAX, or nothing of the word would be left. One row
 * of the matrix at a time. */
static size_t distance(const char *name, size_t length, const char *word)
{
    size_t row[TYPOS_WORD_MAX + 1], columns = strlen(word);

    if (columns > TYPOS_WORD_MAX || length > TYPOS_WORD_MAX)
        return TYPOS_MAX + 1;
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
    return row[columns] < columns ? row[columns] : TYPOS_MAX + 1;
}

void typos_offer(struct typos_nearest *nearest, const char *name, size_t length)
{
    size_t typos = distance(name, length, nearest->word);

    if (typos > nearest->most || (nearest->name != NULL && typos >= nearest->typos))
        return;
    nearest->name = name;
    nearest->typos = typos;
}
