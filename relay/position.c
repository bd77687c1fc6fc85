#include "config.h"

#include "relay/position.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HALF 16 /* digits of each number */

void relay_position_write(const struct relay_position *position,
                          char ret_token[RELAY_POSITION_TEXT])
{
    snprintf(ret_token, RELAY_POSITION_TEXT, "%016" PRIx64 "%016" PRIx64, position->number,
             position->mark);
}

struct relay_position relay_position_read(const char *token)
{
    struct relay_position position = {0};
    char number[HALF + 1] = {0};

    if (strspn(token, "0123456789abcdef") != 2 * HALF || token[2 * HALF] != '\0')
        return position;
    memcpy(number, token, HALF);
    position.number = strtoull(number, NULL, 16);
    position.mark = strtoull(token + HALF, NULL, 16);
    return position;
}
