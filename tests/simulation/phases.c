#include "config.h"

#include "tests/simulation/phases.h"

#include <stdio.h>
#include <string.h>

static void watch(void *arg, const char *mailbox, const char *side, const char *phase,
                  const char *body)
{
    struct phases *phases = arg;
    char key[256];
    snprintf(key, sizeof(key), "%s %s", side, phase);
    const char *first = json_string_value(json_object_get(phases->bodies, key));
    phases->twins += first != NULL && strcmp(first, body) != 0;
    phases->repeats += stock_holds(phases->stock, mailbox, side, phase);
    phases->receipts += strncmp(phase, "wormholed-", 10) == 0;
    if (first == NULL)
        json_object_set_new(phases->bodies, key, json_string(body));
}

void phases_watch(struct phases *phases, struct stock *stock)
{
    *phases = (struct phases){.stock = stock, .bodies = json_object()};
    stock_watch(stock, watch, phases);
}

void phases_free(struct phases *phases)
{
    json_decref(phases->bodies);
}
