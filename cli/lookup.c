/* Finding a command by what was typed. */
#include "config.h"

#include <string.h>

#include "cli/command.h"

/* How many slips of the finger a suggestion forgives. */
#define SLIPS_MAX 2
/* Longest word that is looked up: all names are shorter, and it bounds the comparison. */
#define WORD_MAX 24

/* Of the first word. */
static size_t word_length(const char *name)
{
    return strcspn(name, " ");
}

/* How many of the arguments are the name of the command; 0 if they are not. */
static int match_name(const char *name, int count, char **arguments)
{
    size_t length = word_length(name);

    if (count < 1 || strncmp(arguments[0], name, length) != 0 || arguments[0][length] != '\0')
        return 0;
    if (name[length] == '\0')
        return 1;
    return count >= 2 && strcmp(arguments[1], name + length + 1) == 0 ? 2 : 0;
}

const struct cli_command *command_find(int count, char **arguments, int *ret_words)
{
    for (size_t i = 0; i < command_count; i++) {
        int words = match_name(commands[i].name, count, arguments);

        if (words > 0) {
            *ret_words = words;
            return &commands[i];
        }
    }
    return NULL;
}

bool command_in_family(const struct cli_command *command, const char *word)
{
    size_t length = strlen(word);

    return strncmp(command->name, word, length) == 0 && command->name[length] == ' ';
}

bool command_is_family(const char *word)
{
    for (size_t i = 0; i < command_count; i++)
        if (command_in_family(&commands[i], word))
            return true;
    return false;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* Levenshtein's distance of a name's first word and another of at most WORD_MAX bytes, row by row
 * of his matrix. */
static size_t distance(const char *name, const char *word)
{
    size_t row[WORD_MAX + 1], length = strlen(word), rows = word_length(name);

    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 0; i < rows; i++) {
        size_t diagonal = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < length; j++) {
            size_t above = row[j + 1];

            row[j + 1] = smallest(above + 1, row[j] + 1, diagonal + (name[i] != word[j]));
            diagonal = above;
        }
    }
    return row[length];
}

const char *command_nearest(const char *word)
{
    const char *nearest = NULL;
    size_t least = SLIPS_MAX + 1;

    if (strlen(word) > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < command_count; i++) {
        size_t slips = distance(commands[i].name, word);

        if (slips < least && slips < strlen(word)) {
            least = slips;
            nearest = commands[i].name;
        }
    }
    return nearest;
}
