/* Reads what backup.c has made. Whoever has the passphrase, or if there is none, anybody, may have
 * made it instead. */
#include "config.h"

#include "state/backup.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/wipe.h"
#include "kv/table.h"

#define NUMBER_BYTES   8
#define TABLE_NAME_MAX 64

/* What is being read: what the bytes that are gathered will be, when they are whole. */
enum part {
    PART_KIND = 0,
    PART_KEYS_LENGTH,
    PART_KEYS, /* passed on as they come, not gathered */
    PART_NAME_LENGTH,
    PART_NAME,
    PART_LENGTHS,
    PART_ROW,
    PART_COUNT,
    PART_NOTHING, /* the end was there */
};

struct backup_parser {
    const struct backup_handlers *handlers;
    void *arg;
    enum part part;
    uint8_t *gathered; /* grows with what is there, whatever was announced */
    size_t length, size;
    uint64_t wanted; /* bytes of this part; of the keys, how many are still to come */
    size_t key_length;
    bool keyed; /* the keys were there */
    bool named; /* a table has begun */
    uint64_t rows;
};

struct backup_parser *backup_parser_new(const struct backup_handlers *handlers, void *arg)
{
    struct backup_parser *parser = calloc(1, sizeof(*parser));
    if (parser == NULL)
        return NULL;
    parser->handlers = handlers;
    parser->arg = arg;
    parser->wanted = 1;
    return parser;
}

void backup_parser_free(struct backup_parser *parser)
{
    if (parser == NULL)
        return;
    wipe_free(parser->gathered);
    free(parser);
}

bool backup_parsed(const struct backup_parser *parser)
{
    return parser->part == PART_NOTHING;
}

static uint64_t number(const uint8_t *bytes, unsigned width)
{
    uint64_t result = 0;
    for (unsigned i = 0; i < width; i++)
        result = result << 8 | bytes[i];
    return result;
}

static enum backup_fault expect(struct backup_parser *parser, enum part part, uint64_t wanted)
{
    parser->part = part;
    parser->wanted = wanted;
    return BACKUP_OK;
}

/* ---- when a part is whole ---- */

static enum backup_fault take_kind(struct backup_parser *parser)
{
    char kind = (char)parser->gathered[0];
    if (kind == 'K' && !parser->keyed)
        return expect(parser, PART_KEYS_LENGTH, NUMBER_BYTES);
    if (kind == 'T' && parser->keyed)
        return expect(parser, PART_NAME_LENGTH, 1);
    if (kind == 'R' && parser->named)
        return expect(parser, PART_LENGTHS, 2 + 4);
    if (kind == 'E' && parser->keyed)
        return expect(parser, PART_COUNT, NUMBER_BYTES);
    return BACKUP_DAMAGED;
}

static enum backup_fault take_keys_length(struct backup_parser *parser)
{
    uint64_t length = number(parser->gathered, NUMBER_BYTES);
    parser->keyed = true;
    if (length == 0 || length > INT64_MAX)
        return BACKUP_DAMAGED;
    return expect(parser, PART_KEYS, length);
}

static enum backup_fault take_keys(struct backup_parser *parser)
{
    return expect(parser, PART_KIND, 1);
}

static enum backup_fault take_name_length(struct backup_parser *parser)
{
    uint8_t length = parser->gathered[0];
    return length == 0 || length > TABLE_NAME_MAX ? BACKUP_DAMAGED
                                                  : expect(parser, PART_NAME, length);
}

static enum backup_fault take_name(struct backup_parser *parser)
{
    char name[TABLE_NAME_MAX + 1] = {0};
    memcpy(name, parser->gathered, parser->length);
    if (strlen(name) != parser->length)
        return BACKUP_DAMAGED;
    parser->named = true;
    if (!parser->handlers->table(parser->arg, name))
        return BACKUP_REFUSED;
    return expect(parser, PART_KIND, 1);
}

static enum backup_fault take_lengths(struct backup_parser *parser)
{
    uint64_t key = number(parser->gathered, 2), value = number(parser->gathered + 2, 4);
    if (key == 0 || key > KV_KEY_MAX || value > BACKUP_VALUE_MAX)
        return BACKUP_DAMAGED;
    parser->key_length = (size_t)key;
    return expect(parser, PART_ROW, key + value);
}

static enum backup_fault take_row(struct backup_parser *parser)
{
    parser->rows++;
    if (!parser->handlers->row(parser->arg, parser->gathered, parser->key_length,
                               parser->gathered + parser->key_length,
                               parser->length - parser->key_length))
        return BACKUP_REFUSED;
    return expect(parser, PART_KIND, 1);
}

static enum backup_fault take_count(struct backup_parser *parser)
{
    if (number(parser->gathered, NUMBER_BYTES) != parser->rows)
        return BACKUP_DAMAGED;
    return expect(parser, PART_NOTHING, 0);
}

static enum backup_fault (*const takers[])(struct backup_parser *) = {
    [PART_KIND] = take_kind, [PART_KEYS_LENGTH] = take_keys_length,
    [PART_KEYS] = take_keys, [PART_NAME_LENGTH] = take_name_length,
    [PART_NAME] = take_name, [PART_LENGTHS] = take_lengths,
    [PART_ROW] = take_row,   [PART_COUNT] = take_count,
};

/* ---- gathering ---- */

/* Makes room for `more` bytes; by doubling, so that a row is not moved too often. */
static bool make_room(struct backup_parser *parser, size_t more)
{
    size_t needed = parser->length + more, size = parser->size > 0 ? parser->size : 256;
    if (needed <= parser->size)
        return true;
    while (size < needed)
        size *= 2;
    uint8_t *larger = malloc(size);
    if (larger == NULL)
        return false;
    if (parser->length > 0)
        memcpy(larger, parser->gathered, parser->length);
    wipe_free(parser->gathered);
    parser->gathered = larger;
    parser->size = size;
    return true;
}

static enum backup_fault gather(struct backup_parser *parser, const uint8_t *data, size_t length)
{
    if (!make_room(parser, length))
        return BACKUP_MEMORY;
    memcpy(parser->gathered + parser->length, data, length);
    parser->length += length;
    if (parser->length < parser->wanted)
        return BACKUP_OK;
    enum backup_fault fault = takers[parser->part](parser);
    sodium_memzero(parser->gathered, parser->length);
    parser->length = 0;
    return fault;
}

static enum backup_fault pass_keys(struct backup_parser *parser, const uint8_t *data, size_t length)
{
    if (!parser->handlers->keys(parser->arg, data, length))
        return BACKUP_REFUSED;
    parser->wanted -= length;
    return parser->wanted > 0 ? BACKUP_OK : takers[PART_KEYS](parser);
}

enum backup_fault backup_parse(struct backup_parser *parser, const uint8_t *data, size_t length)
{
    enum backup_fault fault = BACKUP_OK;
    while (length > 0 && fault == BACKUP_OK) {
        if (parser->part == PART_NOTHING)
            return BACKUP_DAMAGED;
        uint64_t left = parser->wanted - parser->length;
        size_t part = length < left ? length : (size_t)left;
        fault =
            parser->part == PART_KEYS ? pass_keys(parser, data, part) : gather(parser, data, part);
        data += part;
        length -= part;
    }
    return fault;
}
