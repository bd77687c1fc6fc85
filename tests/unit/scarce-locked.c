/* Pieces of locked memory can be refused, too: most of them take no allocation of their own. */
#include "config.h"

#include "scarce.h"

#include "base/locked.h"

void *__real_locked_new(struct locked_pool *pool);
void *__wrap_locked_new(struct locked_pool *pool);

void *__wrap_locked_new(struct locked_pool *pool)
{
    return scarce_refuses(pool->size) ? NULL : __real_locked_new(pool);
}
