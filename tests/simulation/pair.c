#include "config.h"

#include "tests/simulation/pair.h"

void pair_open(struct pair *pair, const char *schedule)
{
    pair->stock = stock_new();
    end_open(&pair->a, pair->stock, "4-purple-sausages", schedule, 1);
    end_open(&pair->b, pair->stock, "4-purple-sausages", schedule, 2);
}

void pair_open_lasting(struct pair *pair, const char *schedule)
{
    pair->stock = stock_new();
    end_open_lasting(&pair->a, pair->stock, "4-purple-sausages", schedule, 1);
    end_open_lasting(&pair->b, pair->stock, "4-purple-sausages", schedule, 2);
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
