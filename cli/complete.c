#include "config.h"

#include "cli/complete.h"

#include <string.h>
#include <strings.h>

/* Stock codes have two words, so a hyphen follows the nameplate and the first word; whether one
 * follows later words is unknown. */
#define HYPHEN_UNTIL 1

size_t complete_position(const char *text)
{
    size_t position = 0;

    for (; *text != '\0'; text++)
        position += *text == '-';
    return position;
}

bool complete_fits(const struct complete *complete, const char *candidate)
{
    return strncasecmp(candidate, complete->part, strlen(complete->part)) == 0;
}

static size_t same_length(const char *a, const char *b)
{
    size_t length = 0;

    while (a[length] != '\0' && a[length] == b[length])
        length++;
    return length;
}

/* Takes one more candidate into account. */
static void narrow(struct complete *complete, const char *candidate)
{
    const char *rest = candidate + strlen(complete->part);

    if (complete->count++ == 0) {
        size_t length = strnlen(rest, COMPLETE_TEXT_MAX - 1);

        memcpy(complete->common, rest, length);
        complete->common[length] = '\0';
    } else {
        complete->common[same_length(complete->common, rest)] = '\0';
    }
}

void complete_code(const char *text, const struct complete_list *candidates,
                   struct complete *ret_complete)
{
    const char *hyphen = strrchr(text, '-');
    const char *candidate;

    *ret_complete = (struct complete){.part = hyphen == NULL ? text : hyphen + 1};
    for (size_t i = 0; (candidate = candidates->at(candidates->list, i)) != NULL; i++)
        if (complete_fits(ret_complete, candidate))
            narrow(ret_complete, candidate);
    if (ret_complete->count == 1 && complete_position(text) <= HYPHEN_UNTIL)
        strcat(ret_complete->common, "-");
}
