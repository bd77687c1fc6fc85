/* A sealed file opens with its passphrase only, and only if no byte of it was changed, lost or
 * added. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/sealed_file.h"

/* As cheap as libsodium allows. */
static const struct sealed_cost cheap = {1, 8};

#define PASSPHRASE "correct horse battery staple"

/* ---- a file in memory ---- */

struct file {
    uint8_t *data;
    size_t length;
    size_t most; /* the disk is full behind this */
};

static bool put(void *arg, const void *data, size_t length)
{
    struct file *file = arg;
    if (file->most - file->length < length)
        return false;
    file->data = realloc(file->data, file->length + length);
    assert_non_null(file->data);
    memcpy(file->data + file->length, data, length);
    file->length += length;
    return true;
}

/* What it holds is not all alike. */
static uint8_t byte_at(size_t place)
{
    return (uint8_t)(place * 31 + place / 251);
}

static enum sealed_fault write_file(const char *passphrase, size_t length, size_t step, size_t most,
                                    struct file *ret_file)
{
    struct file file = {.most = most};
    struct sealed_writer *writer = NULL;
    uint8_t *data = malloc(step + 1);
    enum sealed_fault fault = sealed_writer_new(passphrase, cheap, put, &file, &writer);
    assert_non_null(data);
    for (size_t done = 0; done < length && fault == SEALED_OK;) {
        size_t part = length - done < step ? length - done : step;
        for (size_t i = 0; i < part; i++)
            data[i] = byte_at(done + i);
        fault = sealed_writer_add(writer, data, part);
        done += part;
    }
    if (fault == SEALED_OK)
        fault = sealed_writer_finish(writer);
    sealed_writer_free(writer);
    free(data);
    *ret_file = file;
    return fault;
}

static struct file sealed(const char *passphrase, size_t length)
{
    struct file file;
    assert_int_equal(write_file(passphrase, length, 1000, SIZE_MAX, &file), SEALED_OK);
    return file;
}

/* Reads all of it; *ret_length is how much was given out, which was right. */
static enum sealed_fault read_bytes(const uint8_t *bytes, size_t length, const char *passphrase,
                                    size_t *ret_length)
{
    struct sealed_head head;
    struct sealed_reader *reader = NULL;
    size_t at = SEALED_HEAD_BYTES, wanted;
    enum sealed_fault fault = sealed_head_read(bytes, length, &head);
    *ret_length = 0;
    if (fault == SEALED_OK)
        fault = sealed_reader_new(&head, passphrase, &reader);
    while (fault == SEALED_OK && (wanted = sealed_reader_wants(reader)) > 0) {
        size_t part = length - at < wanted ? length - at : wanted, got;
        uint8_t *piece = malloc(part > 0 ? part : 1); /* where a look too far shows */
        const uint8_t *opened;
        assert_non_null(piece);
        memcpy(piece, bytes + at, part);
        fault = sealed_reader_open(reader, piece, part, &opened, &got);
        for (size_t i = 0; fault == SEALED_OK && i < got; i++)
            assert_int_equal(opened[i], byte_at(*ret_length + i));
        *ret_length += fault == SEALED_OK ? got : 0;
        at += part;
        free(piece);
    }
    if (fault == SEALED_OK && at < length)
        fault = SEALED_DAMAGED;
    sealed_reader_free(reader);
    return fault;
}

static void assert_opens(const struct file *file, const char *passphrase, size_t length)
{
    size_t got;
    assert_int_equal(read_bytes(file->data, file->length, passphrase, &got), SEALED_OK);
    assert_int_equal(got, length);
}

/* ---- tests ---- */

static void there_and_back(void **state)
{
    static const size_t lengths[] = {
        0, 1, SEALED_PIECE - 1, SEALED_PIECE, SEALED_PIECE + 1, 2 * SEALED_PIECE, 300000};
    static const size_t steps[] = {997, SEALED_PIECE, 262144};
    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++)
        for (size_t k = 0; k < sizeof(steps) / sizeof(*steps); k++) {
            struct file file;
            assert_int_equal(write_file(PASSPHRASE, lengths[i], steps[k], SIZE_MAX, &file),
                             SEALED_OK);
            assert_opens(&file, PASSPHRASE, lengths[i]);
            free(file.data);
            assert_int_equal(write_file(NULL, lengths[i], steps[k], SIZE_MAX, &file), SEALED_OK);
            assert_opens(&file, NULL, lengths[i]);
            free(file.data);
        }
}

static void no_secret_shows(void **state)
{
    struct file one = sealed(PASSPHRASE, 5000), two = sealed(PASSPHRASE, 5000);
    uint8_t text[32];
    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = byte_at(100 + i);
    assert_null(memmem(one.data, one.length, text, sizeof(text)));
    assert_null(memmem(one.data, one.length, PASSPHRASE, strlen(PASSPHRASE)));
    /* Another salt, another nonce: nothing is the same but the first lines of the head. */
    assert_memory_equal(one.data, two.data, SEALED_MAGIC_BYTES + 12);
    assert_int_not_equal(
        memcmp(one.data + SEALED_MAGIC_BYTES + 12, two.data + SEALED_MAGIC_BYTES + 12, 16), 0);
    free(one.data);
    free(two.data);
}

static void wrong_passphrase(void **state)
{
    static const char *const wrong[] = {"", "Correct horse battery staple", PASSPHRASE " ",
                                        "correct horse battery stapl"};
    struct file file = sealed(PASSPHRASE, 200000);
    size_t got;
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        assert_int_equal(read_bytes(file.data, file.length, wrong[i], &got), SEALED_WRONG);
        assert_int_equal(got, 0);
    }
    free(file.data);
}

static enum sealed_fault read_cut(const struct file *file, size_t length, const char *passphrase)
{
    size_t got;
    return read_bytes(file->data, length, passphrase, &got);
}

static void each_truncation(void **state)
{
    struct file file = sealed(NULL, 600);
    (void)state;
    for (size_t length = 0; length < file.length; length++)
        assert_int_equal(read_cut(&file, length, NULL),
                         length < SEALED_MAGIC_BYTES ? SEALED_FOREIGN : SEALED_DAMAGED);
    free(file.data);
    /* At the borders of pieces, and beside them. */
    file = sealed(NULL, 3 * SEALED_PIECE);
    for (size_t end = SEALED_HEAD_BYTES + SEALED_EXTRA; end < file.length;
         end += SEALED_PIECE + SEALED_EXTRA)
        for (size_t length = end - 1; length <= end + 1; length++)
            assert_int_equal(read_cut(&file, length, NULL), SEALED_DAMAGED);
    free(file.data);
}

static void each_flipped_bit(void **state)
{
    struct file file = sealed(PASSPHRASE, 100);
    (void)state;
    for (size_t place = 0; place < file.length; place++)
        for (unsigned bit = 0; bit < 8; bit++) {
            file.data[place] ^= (uint8_t)(1 << bit);
            enum sealed_fault fault = read_cut(&file, file.length, PASSPHRASE);
            file.data[place] ^= (uint8_t)(1 << bit);
            if (place < SEALED_MAGIC_BYTES)
                assert_int_equal(fault, SEALED_FOREIGN);
            else if (place == SEALED_MAGIC_BYTES && (1 ^ 1 << bit) > 1)
                assert_int_equal(fault, SEALED_NEWER);
            else if (place < SEALED_HEAD_BYTES || place >= SEALED_HEAD_BYTES + SEALED_EXTRA)
                assert_int_equal(fault, SEALED_DAMAGED);
            else
                assert_int_equal(fault, SEALED_WRONG);
        }
    assert_opens(&file, PASSPHRASE, 100);
    free(file.data);
}

static void pieces_moved(void **state)
{
    struct file file = sealed(NULL, 4 * SEALED_PIECE);
    const size_t first = SEALED_HEAD_BYTES + SEALED_EXTRA, piece = SEALED_PIECE + SEALED_EXTRA;
    uint8_t *copy = malloc(file.length + 1);
    size_t got;
    (void)state;
    assert_non_null(copy);
    /* Two in each other's place. */
    memcpy(copy, file.data, file.length);
    memcpy(copy + first, file.data + first + piece, piece);
    memcpy(copy + first + piece, file.data + first, piece);
    assert_int_equal(read_bytes(copy, file.length, NULL, &got), SEALED_DAMAGED);
    assert_int_equal(got, 0);
    /* One left out. */
    memcpy(copy, file.data, first + piece);
    memcpy(copy + first + piece, file.data + first + 2 * piece, file.length - first - 2 * piece);
    assert_int_equal(read_bytes(copy, file.length - piece, NULL, &got), SEALED_DAMAGED);
    /* Something behind the end. */
    memcpy(copy, file.data, file.length);
    copy[file.length] = 0;
    assert_int_equal(read_bytes(copy, file.length + 1, NULL, &got), SEALED_DAMAGED);
    free(copy);
    free(file.data);
}

/* Gives the head the check that belongs to it. */
static void set_check(uint8_t *head)
{
    crypto_generichash(head + SEALED_HEAD_BYTES - 16, 16, head, SEALED_HEAD_BYTES - 16, NULL, 0);
}

static void costly_key(void **state)
{
    /* Operations, memory in KiB, big-endian. */
    static const struct {
        uint8_t cost[8];
        enum sealed_fault fault;
    } rows[] = {
        {{0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff}, SEALED_COSTLY},
        {{0, 0, 0, 1, 0, 0x10, 0, 1}, SEALED_COSTLY},
        {{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 8}, SEALED_COSTLY},
        {{0, 0, 0, 17, 0, 0, 0, 8}, SEALED_COSTLY},
        {{0, 0, 0, 0, 0, 0, 0, 8}, SEALED_DAMAGED},
        {{0, 0, 0, 1, 0, 0, 0, 7}, SEALED_DAMAGED},
        {{0, 0, 0, 0, 0, 0, 0, 0}, SEALED_DAMAGED},
    };
    struct file file = sealed(PASSPHRASE, 100);
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        memcpy(file.data + SEALED_MAGIC_BYTES + 4, rows[i].cost, sizeof(rows[i].cost));
        set_check(file.data);
        assert_int_equal(read_cut(&file, file.length, PASSPHRASE), rows[i].fault);
    }
    free(file.data);
}

static void bad_head(void **state)
{
    struct file file = sealed(NULL, 100);
    (void)state;
    file.data[SEALED_MAGIC_BYTES] = 2;
    assert_int_equal(read_cut(&file, file.length, NULL), SEALED_NEWER);
    assert_int_equal(read_cut(&file, SEALED_MAGIC_BYTES + 1, NULL), SEALED_NEWER);
    file.data[SEALED_MAGIC_BYTES] = 0;
    set_check(file.data);
    assert_int_equal(read_cut(&file, file.length, NULL), SEALED_DAMAGED);
    file.data[SEALED_MAGIC_BYTES] = 1;
    file.data[SEALED_MAGIC_BYTES + 1] = 2;
    set_check(file.data);
    assert_int_equal(read_cut(&file, file.length, NULL), SEALED_DAMAGED);
    file.data[SEALED_MAGIC_BYTES + 1] = 0;
    file.data[SEALED_MAGIC_BYTES + 2] = 1;
    set_check(file.data);
    assert_int_equal(read_cut(&file, file.length, NULL), SEALED_DAMAGED);
    free(file.data);
}

/* One whose first piece is the last, or is no proof, was not written by us. */
static void bad_beginning(void **state)
{
    struct file file = sealed(NULL, 100);
    const uint8_t key[crypto_secretstream_xchacha20poly1305_KEYBYTES] = {0};
    crypto_secretstream_xchacha20poly1305_state stream;
    (void)state;
    file.data[SEALED_HEAD_BYTES] ^= 1;
    assert_int_equal(read_cut(&file, file.length, NULL), SEALED_DAMAGED); /* not SEALED_WRONG */
    crypto_secretstream_xchacha20poly1305_init_push(&stream, file.data + SEALED_HEAD_BYTES - 40,
                                                    key);
    set_check(file.data);
    crypto_secretstream_xchacha20poly1305_push(&stream, file.data + SEALED_HEAD_BYTES, NULL, NULL,
                                               0, NULL, 0,
                                               crypto_secretstream_xchacha20poly1305_TAG_FINAL);
    assert_int_equal(read_cut(&file, SEALED_HEAD_BYTES + SEALED_EXTRA, NULL), SEALED_DAMAGED);
    free(file.data);
}

static void full_disk(void **state)
{
    struct file whole = sealed(NULL, 200000), file;
    (void)state;
    for (size_t most = 0; most < whole.length; most += 37003) {
        assert_int_equal(write_file(NULL, 200000, 1000, most, &file), SEALED_UNWRITTEN);
        free(file.data);
    }
    assert_int_equal(write_file(NULL, 200000, 1000, whole.length - 1, &file), SEALED_UNWRITTEN);
    free(file.data);
    free(whole.data);
}

static void sentences(void **state)
{
    (void)state;
    for (enum sealed_fault fault = SEALED_OK; fault <= SEALED_UNWRITTEN; fault++)
        assert_true(strlen(sealed_fault_text(fault)) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),   cmocka_unit_test(no_secret_shows),
        cmocka_unit_test(wrong_passphrase), cmocka_unit_test(each_truncation),
        cmocka_unit_test(each_flipped_bit), cmocka_unit_test(pieces_moved),
        cmocka_unit_test(costly_key),       cmocka_unit_test(bad_head),
        cmocka_unit_test(full_disk),        cmocka_unit_test(bad_beginning),
        cmocka_unit_test(sentences),
    };
    return sodium_init() < 0 || cmocka_run_group_tests(tests, NULL, NULL);
}
