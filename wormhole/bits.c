#include "config.h"

#include "wormhole/bits.h"

#include <stdlib.h>
#include <string.h>

bool bits_has(const struct bits *bits, uint32_t number)
{
    size_t word = number / 64;
    return word < bits->count && (bits->words[word] >> (number % 64) & 1) != 0;
}

static bool grow(struct bits *bits, size_t count)
{
    uint64_t *words = realloc(bits->words, count * sizeof(*words));
    if (words == NULL)
        return false;
    memset(words + bits->count, 0, (count - bits->count) * sizeof(*words));
    bits->words = words;
    bits->count = count;
    return true;
}

bool bits_add(struct bits *bits, uint32_t number)
{
    size_t word = number / 64;
    if (word >= bits->count && !grow(bits, word + 1 + bits->count / 2))
        return false;
    bits->words[word] |= (uint64_t)1 << (number % 64);
    return true;
}

void bits_free(struct bits *bits)
{
    free(bits->words);
    memset(bits, 0, sizeof(*bits));
}
