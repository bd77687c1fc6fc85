#include "config.h"

#include "tests/simulation/pair.h"

#include <stdlib.h>

bool pair_resumes;

int pair_replay(void **state)
{
    (void)state;
    pair_resumes = false;
    return 0;
}

int pair_resume(void **state)
{
    (void)state;
    pair_resumes = true;
    return 0;
}

static struct stock *new_relay(void)
{
    struct stock *stock = stock_new();
    if (pair_resumes)
        stock_resume(stock);
    return stock;
}

void pair_open(struct pair *pair, const char *schedule)
{
    pair->stock = new_relay();
    end_open(&pair->a, pair->stock, "4-purple-sausages", schedule, 1);
    end_open(&pair->b, pair->stock, "4-purple-sausages", schedule, 2);
}

void pair_open_lasting(struct pair *pair, const char *schedule)
{
    pair->stock = new_relay();
    end_open_lasting(&pair->a, pair->stock, "4-purple-sausages", schedule, 1);
    end_open_lasting(&pair->b, pair->stock, "4-purple-sausages", schedule, 2);
}

unsigned pair_worlds(unsigned usual)
{
    const char *worlds = getenv("WORMHOLED_TEST_WORLDS");
    unsigned count = worlds == NULL ? usual : (unsigned)strtoul(worlds, NULL, 10);
    return count > 0 ? count : 1;
}

void pair_free(struct pair *pair)
{
    end_free(&pair->a);
    end_free(&pair->b);
    stock_free(pair->stock);
}

void pair_visit(struct pair *pair, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        end_visit(&pair->a);
        end_visit(&pair->b);
    }
}

void pair_run(struct pair *pair)
{
    end_run_both(&pair->a, &pair->b);
}
