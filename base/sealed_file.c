#include "config.h"

#include "base/sealed_file.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT_VERSION 1

/* Where what stands in the head. */
enum {
    AT_VERSION = SEALED_MAGIC_BYTES,
    AT_LOCKED,
    AT_ZERO,
    AT_OPERATIONS = AT_ZERO + 2,
    AT_MEMORY = AT_OPERATIONS + 4,
    AT_SALT = AT_MEMORY + 4,
    AT_NONCE = AT_SALT + crypto_pwhash_argon2id_SALTBYTES,
    AT_CHECK = AT_NONCE + crypto_secretstream_xchacha20poly1305_HEADERBYTES,
    CHECK_BYTES = SEALED_HEAD_BYTES - AT_CHECK,
};

_Static_assert(CHECK_BYTES == 16, "the head is as long as it says");
_Static_assert(SEALED_EXTRA == crypto_secretstream_xchacha20poly1305_ABYTES, "what sealing adds");

struct sealed_writer {
    crypto_secretstream_xchacha20poly1305_state state;
    sealed_sink sink;
    void *arg;
    size_t length; /* of what waits in `plain` */
    uint8_t plain[SEALED_PIECE];
    uint8_t sealed[SEALED_PIECE + SEALED_EXTRA];
};

struct sealed_reader {
    crypto_secretstream_xchacha20poly1305_state state;
    bool locked;
    bool proven; /* the first piece was opened */
    bool over;   /* the last one was */
    uint8_t plain[SEALED_PIECE];
};

const char *sealed_fault_text(enum sealed_fault fault)
{
    static const char *const texts[] = {
        [SEALED_OK] = "is fine",
        [SEALED_FOREIGN] = "is not a backup of wormholed",
        [SEALED_NEWER] = "was made by a newer wormholed; use that one",
        [SEALED_COSTLY] = "is damaged: its passphrase would take more memory than any backup asks "
                          "for",
        [SEALED_WRONG] = "cannot be opened: the passphrase is wrong, or the beginning of the "
                         "file is damaged",
        [SEALED_DAMAGED] = "is damaged or incomplete",
        [SEALED_MEMORY] = "cannot be opened or made: out of memory (a passphrase takes 256 MiB for "
                          "a moment)",
        [SEALED_UNWRITTEN] = "cannot be written",
    };
    return texts[fault];
}

/* ---- the head ---- */

static void put_number(uint8_t *bytes, uint32_t number)
{
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(number >> (24 - 8 * i));
}

static uint32_t get_number(const uint8_t *bytes)
{
    uint32_t number = 0;
    for (unsigned i = 0; i < 4; i++)
        number = number << 8 | bytes[i];
    return number;
}

static void make_check(const uint8_t *head, uint8_t ret_check[CHECK_BYTES])
{
    crypto_generichash(ret_check, CHECK_BYTES, head, AT_CHECK, NULL, 0);
}

enum sealed_fault sealed_head_read(const uint8_t *bytes, size_t length,
                                   struct sealed_head *ret_head)
{
    uint8_t check[CHECK_BYTES];
    if (length < SEALED_MAGIC_BYTES || memcmp(bytes, SEALED_MAGIC, SEALED_MAGIC_BYTES) != 0)
        return SEALED_FOREIGN;
    if (length <= AT_VERSION)
        return SEALED_DAMAGED;
    if (bytes[AT_VERSION] > FORMAT_VERSION)
        return SEALED_NEWER;
    if (length < SEALED_HEAD_BYTES)
        return SEALED_DAMAGED;
    make_check(bytes, check);
    if (memcmp(check, bytes + AT_CHECK, CHECK_BYTES) != 0 || bytes[AT_VERSION] != FORMAT_VERSION ||
        bytes[AT_LOCKED] > 1 || bytes[AT_ZERO] != 0 || bytes[AT_ZERO + 1] != 0)
        return SEALED_DAMAGED;
    struct sealed_head head = {
        .locked = bytes[AT_LOCKED] != 0,
        .cost = {get_number(bytes + AT_OPERATIONS), get_number(bytes + AT_MEMORY)},
        .salt = bytes + AT_SALT,
        .nonce = bytes + AT_NONCE,
    };
    if (head.cost.operations > SEALED_OPERATIONS_MAX || head.cost.memory > SEALED_MEMORY_MAX)
        return SEALED_COSTLY;
    if (head.locked && (head.cost.operations < crypto_pwhash_argon2id_OPSLIMIT_MIN ||
                        head.cost.memory < crypto_pwhash_argon2id_MEMLIMIT_MIN / 1024))
        return SEALED_DAMAGED;
    *ret_head = head;
    return SEALED_OK;
}

/* False: there is not enough memory. Secret. */
static bool make_key(const struct sealed_head *head, const char *passphrase,
                     uint8_t ret_key[crypto_secretstream_xchacha20poly1305_KEYBYTES])
{
    const size_t size = crypto_secretstream_xchacha20poly1305_KEYBYTES;
    memset(ret_key, 0, size);
    return !head->locked ||
           crypto_pwhash_argon2id(ret_key, size, passphrase, strlen(passphrase), head->salt,
                                  head->cost.operations, (size_t)head->cost.memory * 1024,
                                  crypto_pwhash_argon2id_ALG_ARGON2ID13) == 0;
}

/* ---- writing ---- */

/* Seals what waits, and gives it to the sink. */
static enum sealed_fault put_piece(struct sealed_writer *writer, uint8_t tag)
{
    crypto_secretstream_xchacha20poly1305_push(&writer->state, writer->sealed, NULL, writer->plain,
                                               writer->length, NULL, 0, tag);
    size_t length = writer->length + SEALED_EXTRA;
    writer->length = 0;
    return writer->sink(writer->arg, writer->sealed, length) ? SEALED_OK : SEALED_UNWRITTEN;
}

static enum sealed_fault begin(struct sealed_writer *writer, const char *passphrase,
                               struct sealed_cost cost)
{
    uint8_t bytes[SEALED_HEAD_BYTES] = SEALED_MAGIC;
    uint8_t key[crypto_secretstream_xchacha20poly1305_KEYBYTES];
    const struct sealed_head head = {
        .locked = passphrase != NULL,
        .cost = passphrase != NULL ? cost : (struct sealed_cost){0},
        .salt = bytes + AT_SALT,
    };

    bytes[AT_VERSION] = FORMAT_VERSION;
    bytes[AT_LOCKED] = head.locked;
    put_number(bytes + AT_OPERATIONS, head.cost.operations);
    put_number(bytes + AT_MEMORY, head.cost.memory);
    if (head.locked)
        randombytes_buf(bytes + AT_SALT, crypto_pwhash_argon2id_SALTBYTES);
    if (!make_key(&head, passphrase, key))
        return SEALED_MEMORY;
    crypto_secretstream_xchacha20poly1305_init_push(&writer->state, bytes + AT_NONCE, key);
    sodium_memzero(key, sizeof(key));
    make_check(bytes, bytes + AT_CHECK);
    if (!writer->sink(writer->arg, bytes, sizeof(bytes)))
        return SEALED_UNWRITTEN;
    return put_piece(writer, crypto_secretstream_xchacha20poly1305_TAG_MESSAGE);
}

enum sealed_fault sealed_writer_new(const char *passphrase, struct sealed_cost cost,
                                    sealed_sink sink, void *arg, struct sealed_writer **ret_writer)
{
    struct sealed_writer *writer = sodium_init() < 0 ? NULL : sodium_malloc(sizeof(*writer));
    if (writer == NULL)
        return SEALED_MEMORY;
    writer->sink = sink;
    writer->arg = arg;
    writer->length = 0;
    enum sealed_fault fault = begin(writer, passphrase, cost);
    if (fault == SEALED_OK)
        *ret_writer = writer;
    else
        sealed_writer_free(writer);
    return fault;
}

enum sealed_fault sealed_writer_add(struct sealed_writer *writer, const void *data, size_t length)
{
    const uint8_t *bytes = data;
    enum sealed_fault fault = SEALED_OK;
    while (length > 0 && fault == SEALED_OK) {
        /* Not before more has come: a full piece may be the last one. */
        if (writer->length == SEALED_PIECE)
            fault = put_piece(writer, crypto_secretstream_xchacha20poly1305_TAG_MESSAGE);
        size_t room = SEALED_PIECE - writer->length, part = length < room ? length : room;
        memcpy(writer->plain + writer->length, bytes, part);
        writer->length += part;
        bytes += part;
        length -= part;
    }
    return fault;
}

enum sealed_fault sealed_writer_finish(struct sealed_writer *writer)
{
    return put_piece(writer, crypto_secretstream_xchacha20poly1305_TAG_FINAL);
}

void sealed_writer_free(struct sealed_writer *writer)
{
    sodium_free(writer); /* which wipes it */
}

/* ---- reading ---- */

enum sealed_fault sealed_reader_new(const struct sealed_head *head, const char *passphrase,
                                    struct sealed_reader **ret_reader)
{
    uint8_t key[crypto_secretstream_xchacha20poly1305_KEYBYTES];
    struct sealed_reader *reader = sodium_init() < 0 ? NULL : sodium_malloc(sizeof(*reader));
    if (reader == NULL || !make_key(head, passphrase, key)) {
        sodium_free(reader);
        return SEALED_MEMORY;
    }
    crypto_secretstream_xchacha20poly1305_init_pull(&reader->state, head->nonce, key);
    sodium_memzero(key, sizeof(key));
    reader->locked = head->locked;
    reader->proven = reader->over = false;
    *ret_reader = reader;
    return SEALED_OK;
}

size_t sealed_reader_wants(const struct sealed_reader *reader)
{
    if (reader->over)
        return 0;
    return reader->proven ? SEALED_PIECE + SEALED_EXTRA : SEALED_EXTRA;
}

enum sealed_fault sealed_reader_open(struct sealed_reader *reader, const uint8_t *piece,
                                     size_t length, const uint8_t **ret_data, size_t *ret_length)
{
    size_t wanted = sealed_reader_wants(reader);
    unsigned long long opened = 0;
    unsigned char tag = 0;
    if (length < SEALED_EXTRA || length > wanted)
        return SEALED_DAMAGED;
    if (crypto_secretstream_xchacha20poly1305_pull(&reader->state, reader->plain, &opened, &tag,
                                                   piece, length, NULL, 0) != 0)
        return reader->proven || !reader->locked ? SEALED_DAMAGED : SEALED_WRONG;
    bool last = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    if ((last && !reader->proven) || (!last && length < wanted))
        return SEALED_DAMAGED;
    reader->proven = true;
    reader->over = last;
    *ret_data = reader->plain;
    *ret_length = (size_t)opened;
    return SEALED_OK;
}

void sealed_reader_free(struct sealed_reader *reader)
{
    sodium_free(reader);
}
