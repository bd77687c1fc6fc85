/*
 * What a relay's demands for hashcash may cost. A relay that asks for a large stamp at each visit
 * would otherwise keep a processor busy for as long as there are sessions. The work of a stamp of
 * n bits is counted as 2^n hashes, which is what it takes on average; what has been counted wears
 * off over an hour.
 */
#ifndef DAEMON_HASHCASH_BUDGET_H
#define DAEMON_HASHCASH_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#define HASHCASH_BUDGET_HOUR (INT64_C(3600) * 1000)

/* Of one relay; all zero at first. Times are those of clock_now(). */
struct hashcash_budget {
    double spent;  /* hashes, … */
    int64_t at;    /* … as of then */
    int64_t until; /* no stamp can be paid for before then; 0: none was refused */
    int64_t every; /* ms after which the next one can be, once one can */
    bool relieved; /* whoever was put off by the last refusal need not wait any longer */
};

/* Counts a stamp of up to 63 bits. False if that would be more than `per_hour` hashes (0: no
 * limit): `until` is then the time from which it would not be; in an hour, if it always would. */
bool hashcash_budget_take(struct hashcash_budget *budget, unsigned bits, uint64_t per_hour,
                          int64_t now);

/* There is a higher limit: what was refused under the old one may be asked for again. */
void hashcash_budget_relieve(struct hashcash_budget *budget);

/* The hashes that still count. */
uint64_t hashcash_budget_spent(const struct hashcash_budget *budget, uint64_t per_hour,
                               int64_t now);

/* When the relay may be visited: `now`, or later, while no stamp can be paid for. `random` spreads
 * out those who wait. */
int64_t hashcash_budget_ready_at(const struct hashcash_budget *budget, int64_t now,
                                 uint32_t random);

#endif
