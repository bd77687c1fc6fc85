#include "config.h"

#include "daemon/hashcash_budget.h"

#define HOUR HASHCASH_BUDGET_HOUR

/* Where the clock was set back, no time has passed. */
static double spent_now(const struct hashcash_budget *budget, uint64_t per_hour, int64_t now)
{
    int64_t passed = now > budget->at ? now - budget->at : 0;
    double left = budget->spent - (double)per_hour * (double)passed / HOUR;
    return passed >= HOUR || left < 0 ? 0 : left;
}

bool hashcash_budget_take(struct hashcash_budget *budget, unsigned bits, uint64_t per_hour,
                          int64_t now)
{
    double cost = (double)(UINT64_C(1) << bits);
    budget->spent = spent_now(budget, per_hour, now);
    budget->at = now;
    budget->relieved = false;
    if (per_hour == 0 || budget->spent + cost <= (double)per_hour) {
        budget->spent += cost;
        budget->until = 0;
        return true;
    }
    double over = budget->spent + cost - (double)per_hour;
    bool never = cost > (double)per_hour;
    budget->until = now + (never ? HOUR : 1 + (int64_t)(over / (double)per_hour * HOUR));
    budget->every = never ? 0 : (int64_t)(cost / (double)per_hour * HOUR);
    return false;
}

void hashcash_budget_relieve(struct hashcash_budget *budget)
{
    budget->relieved |= budget->until != 0;
    budget->until = 0;
}

uint64_t hashcash_budget_spent(const struct hashcash_budget *budget, uint64_t per_hour, int64_t now)
{
    return (uint64_t)spent_now(budget, per_hour, now);
}

int64_t hashcash_budget_ready_at(const struct hashcash_budget *budget, int64_t now, uint32_t random)
{
    /* Further away than any demand could have put it: the clock was set back. */
    if (budget->until <= now || budget->until > now + HOUR)
        return now;
    return budget->until + (int64_t)((double)budget->every * random / UINT32_MAX);
}
