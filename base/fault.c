#include "config.h"

#include "base/fault.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* There are some dozens; beyond this, a name is listed more than once. */
#define NAMES_MAX 128

static bool listed(const char *name)
{
    static const char *names[NAMES_MAX];
    static size_t count;
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    if (count < NAMES_MAX)
        names[count++] = name;
    return false;
}

void fault_point(const char *name)
{
    static unsigned long hits;
    const char *plan = getenv("WORMHOLED_FAULT");
    size_t length = strlen(name);

    if (plan == NULL)
        return;
    if (strcmp(plan, "list") == 0 && !listed(name))
        fprintf(stderr, "fault point: %s\n", name);
    /* NAME:HIT */
    if (strncmp(plan, name, length) == 0 && plan[length] == ':' &&
        ++hits == strtoul(plan + length + 1, NULL, 10))
        kill(getpid(), SIGKILL);
}
