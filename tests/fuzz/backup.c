/*
 * Backups, which anybody may have made. The first byte says how the rest is meant: 's' is a sealed
 * file, read without a passphrase; anything else, and the rest is the sequence that such a file
 * holds.
 */
#include "config.h"

#include "tests/fuzz/fuzz.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/sealed_file.h"
#include "kv/table.h"
#include "state/backup.h"

/* What was found. */
struct found {
    uint64_t digest;
    uint64_t rows;
    bool keyed, named;
};

static bool on_keys(void *arg, const uint8_t *data, size_t length)
{
    struct found *found = arg;
    FUZZ_HOLDS(length > 0 && !found->named);
    found->keyed = true;
    found->digest = fuzz_digest(found->digest, data, length);
    return true;
}

static bool on_table(void *arg, const char *name)
{
    struct found *found = arg;
    FUZZ_HOLDS(found->keyed && name[0] != '\0');
    found->named = true;
    found->digest = fuzz_digest(found->digest, name, strlen(name) + 1);
    return true;
}

static bool on_row(void *arg, const uint8_t *key, size_t key_length, const uint8_t *value,
                   size_t length)
{
    struct found *found = arg;
    FUZZ_HOLDS(found->named && key_length > 0 && key_length <= KV_KEY_MAX);
    FUZZ_HOLDS(length <= BACKUP_VALUE_MAX);
    found->digest = fuzz_digest(found->digest, key, key_length);
    found->digest = fuzz_digest(found->digest, "", 1);
    found->digest = fuzz_digest(found->digest, value, length);
    found->rows++;
    return true;
}

static const struct backup_handlers handlers = {on_keys, on_table, on_row};

/* Reads it in pieces of `step` bytes. */
static enum backup_fault parse(struct fuzz_input input, size_t step, struct found *ret_found,
                               bool *ret_whole)
{
    struct found found = {.digest = FUZZ_DIGEST};
    struct backup_parser *parser = backup_parser_new(&handlers, &found);
    enum backup_fault fault = BACKUP_OK;
    FUZZ_HOLDS(parser != NULL);
    while (input.length > 0 && fault == BACKUP_OK) {
        struct fuzz_input piece = fuzz_piece(&input, step);
        uint8_t *copy = fuzz_copy(piece);
        fault = backup_parse(parser, copy, piece.length);
        free(copy);
    }
    *ret_whole = fault == BACKUP_OK && backup_parsed(parser);
    *ret_found = found;
    backup_parser_free(parser);
    return fault;
}

static void check_sequence(struct fuzz_input input)
{
    static const size_t steps[] = {1, 7, SIZE_MAX};
    struct found first, found;
    bool first_whole, whole;
    enum backup_fault fault = parse(input, 4096, &first, &first_whole);
    FUZZ_HOLDS(!first_whole || first.keyed);
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        FUZZ_HOLDS(parse(input, steps[i], &found, &whole) == fault);
        FUZZ_HOLDS(whole == first_whole);
        /* What comes before a fault is the same, too. */
        FUZZ_HOLDS(found.digest == first.digest && found.rows == first.rows);
    }
}

static void check_file(struct fuzz_input input)
{
    struct sealed_head head;
    struct sealed_reader *reader;
    enum sealed_fault fault = sealed_head_read(input.data, input.length, &head);
    FUZZ_HOLDS(strlen(sealed_fault_text(fault)) > 0);
    if (fault != SEALED_OK)
        return;
    FUZZ_HOLDS(head.cost.memory <= SEALED_MEMORY_MAX);
    FUZZ_HOLDS(head.cost.operations <= SEALED_OPERATIONS_MAX);
    if (head.locked) /* which would take long */
        return;
    FUZZ_HOLDS(sealed_reader_new(&head, NULL, &reader) == SEALED_OK);
    fuzz_piece(&input, SEALED_HEAD_BYTES);
    size_t wanted;
    while (fault == SEALED_OK && (wanted = sealed_reader_wants(reader)) > 0) {
        struct fuzz_input piece = fuzz_piece(&input, wanted);
        uint8_t *copy = fuzz_copy(piece);
        const uint8_t *data;
        size_t length;
        fault = sealed_reader_open(reader, copy, piece.length, &data, &length);
        FUZZ_HOLDS(strlen(sealed_fault_text(fault)) > 0 && fault != SEALED_WRONG);
        free(copy);
        if (fault == SEALED_OK)
            check_sequence((struct fuzz_input){data, length});
    }
    sealed_reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    struct fuzz_input input = {data, length};
    if (fuzz_byte(&input) == 's')
        check_file(input);
    else
        check_sequence(input);
    return 0;
}
