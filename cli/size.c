#include "config.h"

#include "cli/size.h"

static const struct size_unit {
    char letter, small;
    int shift;
} units[] = {
    {'\0', '\0', 0},
    {'K', 'k', 10},
    {'M', 'm', 20},
    {'G', 'g', 30},
};

/* The unit that `text` is; NULL if it is none. */
static const struct size_unit *find_unit(const char *text)
{
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if ((text[0] == units[i].letter || text[0] == units[i].small) &&
            (text[0] == '\0' || text[1] == '\0'))
            return &units[i];
    return NULL;
}

bool size_parse(const char *text, int64_t *ret_bytes)
{
    const struct size_unit *unit;
    int64_t number = 0;

    if (*text < '0' || *text > '9')
        return false;
    for (; *text >= '0' && *text <= '9'; text++) {
        number = number * 10 + (*text - '0');
        if (number > SIZE_PARSE_MAX)
            return false;
    }
    unit = find_unit(text);
    if (unit == NULL || number > SIZE_PARSE_MAX >> unit->shift)
        return false;
    *ret_bytes = number << unit->shift;
    return true;
}
