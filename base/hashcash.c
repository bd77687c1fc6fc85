#include "config.h"

#include "base/hashcash.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#define SHA1_SIZE 20
/* How often a solver checks whether it should stop: every few ms. */
#define STOP_MASK 0xfff

static unsigned leading_zero_bits(const uint8_t *digest)
{
    unsigned bits = 0;

    for (size_t i = 0; i < SHA1_SIZE; i++) {
        if (digest[i] != 0)
            return bits + (unsigned)__builtin_clz(digest[i]) - 24; /* of a 32-bit int */
        bits += 8;
    }
    return bits;
}

/* ---- checking ---- */

enum {
    PART_VERSION,
    PART_BITS,
    PART_DATE,
    PART_RESOURCE,
    PART_EXTENSION,
    PART_RANDOM,
    PART_COUNTER,
    PARTS
};

struct hashcash_part {
    const char *text;
    size_t length;
};

/* Splits the stamp into exactly seven parts. */
static bool split(const char *stamp, struct hashcash_part *ret_parts)
{
    for (size_t i = 0; i < PARTS; i++) {
        ret_parts[i].text = stamp;
        ret_parts[i].length = strcspn(stamp, ":");
        stamp += ret_parts[i].length;
        if (*stamp != (i == PARTS - 1 ? '\0' : ':'))
            return false;
        stamp++;
    }
    return true;
}

static bool equals(const struct hashcash_part *part, const char *text)
{
    return strlen(text) == part->length && memcmp(part->text, text, part->length) == 0;
}

/* At most three digits, so it cannot overflow. */
static bool read_number(const struct hashcash_part *part, unsigned *ret_number)
{
    unsigned number = 0;

    if (part->length == 0 || part->length > 3)
        return false;
    for (size_t i = 0; i < part->length; i++) {
        if (part->text[i] < '0' || part->text[i] > '9')
            return false;
        number = number * 10 + (unsigned)(part->text[i] - '0');
    }
    *ret_number = number;
    return true;
}

bool hashcash_verify(const char *stamp, unsigned bits, const char *resource)
{
    struct hashcash_part parts[PARTS];
    uint8_t digest[SHA1_SIZE];
    unsigned promised;

    if (!split(stamp, parts) || !equals(&parts[PART_VERSION], "1") ||
        !equals(&parts[PART_RESOURCE], resource))
        return false;
    /* A stamp that promises less was lucky, and luck costs nothing on average. */
    if (!read_number(&parts[PART_BITS], &promised) || promised < bits)
        return false;
    if (!EVP_Digest(stamp, strlen(stamp), digest, NULL, EVP_sha1(), NULL))
        return false;
    return leading_zero_bits(digest) >= bits;
}

/* ---- solving ---- */

static enum hashcash_result search(EVP_MD_CTX *context, const EVP_MD *sha1, unsigned bits,
                                   const atomic_bool *stop, char *stamp, size_t head)
{
    uint8_t digest[SHA1_SIZE];

    for (uint64_t counter = 0;; counter++) {
        if (stop != NULL && (counter & STOP_MASK) == 0 && atomic_load(stop))
            return HASHCASH_STOPPED;
        snprintf(stamp + head, HASHCASH_STAMP_SIZE - head, "%" PRIx64, counter);
        if (!EVP_DigestInit_ex(context, sha1, NULL) ||
            !EVP_DigestUpdate(context, stamp, strlen(stamp)) ||
            !EVP_DigestFinal_ex(context, digest, NULL))
            return HASHCASH_BROKEN;
        if (leading_zero_bits(digest) >= bits)
            return HASHCASH_OK;
    }
}

enum hashcash_result hashcash_solve(unsigned bits, const char *resource, int64_t now, uint64_t salt,
                                    const atomic_bool *stop, char ret_stamp[HASHCASH_STAMP_SIZE])
{
    char stamp[HASHCASH_STAMP_SIZE], date[7];
    time_t seconds = (time_t)(now / 1000);
    struct tm tm;

    if (bits > HASHCASH_BITS_MAX || strchr(resource, ':') != NULL ||
        gmtime_r(&seconds, &tm) == NULL || strftime(date, sizeof(date), "%y%m%d", &tm) == 0)
        return HASHCASH_REFUSED;
    /* Everything up to the counter, which has at most 16 digits. */
    int head =
        snprintf(stamp, sizeof(stamp), "1:%u:%s:%s::%016" PRIx64 ":", bits, date, resource, salt);
    if (head <= 0 || head + 16 >= HASHCASH_STAMP_SIZE)
        return HASHCASH_REFUSED;

    /* Fetched once: EVP_sha1() would look for it at every hash. */
    EVP_MD *sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    enum hashcash_result result = HASHCASH_BROKEN;

    if (sha1 != NULL && context != NULL)
        result = search(context, sha1, bits, stop, stamp, (size_t)head);
    EVP_MD_CTX_free(context);
    EVP_MD_free(sha1);
    if (!result)
        memcpy(ret_stamp, stamp, sizeof(stamp));
    return result;
}
