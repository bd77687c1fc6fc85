/*
 * A file that only a passphrase opens, and in which every damage shows; for backups. It is written
 * and read in one pass, in pieces, with memory that does not depend on its length:
 *
 *     magic (16)        "wormholed-backup"
 *     version (1)       1; another one may look different from here on
 *     locked (1)        1: by a passphrase; 0: by no secret at all, and only damage is noticed
 *     zero (2)
 *     operations (4)    of Argon2id, and its memory in KiB (4), big-endian: crypto_pwhash()
 *     salt (16)
 *     nonce (24)        the header of crypto_secretstream_xchacha20poly1305
 *     check (16)        BLAKE2b of everything before it
 *     pieces            of that stream: first an empty one, which tells a wrong passphrase from
 *                       damage further on; then of SEALED_PIECE bytes each; the last one is marked
 *                       as such, and is at most as long
 *
 * Without a passphrase the key is all zero. Lengths are nowhere announced, so none can be believed
 * in vain; what the key costs is bounded before it is made.
 */
#ifndef BASE_SEALED_FILE_H
#define BASE_SEALED_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEALED_MAGIC       "wormholed-backup"
#define SEALED_MAGIC_BYTES 16
#define SEALED_HEAD_BYTES  84
#define SEALED_PIECE       ((size_t)65536)
/* What sealing adds to a piece. */
#define SEALED_EXTRA 17

enum sealed_fault {
    SEALED_OK = 0,
    SEALED_FOREIGN,   /* no such file */
    SEALED_NEWER,     /* of a later version */
    SEALED_COSTLY,    /* its key would take more memory or time than any version asks for */
    SEALED_WRONG,     /* passphrase; or the first piece is damaged */
    SEALED_DAMAGED,   /* altered, or cut short */
    SEALED_MEMORY,    /* also for the key: see struct sealed_cost */
    SEALED_UNWRITTEN, /* the sink refused */
};

/* The end of the sentence "FILE …". Constant. */
const char *sealed_fault_text(enum sealed_fault fault);

/* What making the key costs whoever guesses passphrases, and us. */
struct sealed_cost {
    uint32_t operations;
    uint32_t memory; /* KiB */
};

/* Three passes over 256 MiB, which is libsodium's "moderate": most of a second, and any machine
 * that runs a daemon of this kind has as much for a moment. */
#define SEALED_COST                                                                                \
    (struct sealed_cost)                                                                           \
    {                                                                                              \
        3, 256 * 1024                                                                              \
    }
/* No later version of this format asks for more, so who does wants to do harm. */
#define SEALED_OPERATIONS_MAX 16
#define SEALED_MEMORY_MAX     (1024 * 1024) /* KiB */

/* ---- writing ---- */

/* Takes bytes of the file, in their order. False: they are lost, and so is the file. */
typedef bool (*sealed_sink)(void *arg, const void *data, size_t length);

struct sealed_writer;

/* Makes the key (`passphrase` NULL: none), and gives the head to the sink. New;
 * sealed_writer_free(). */
enum sealed_fault sealed_writer_new(const char *passphrase, struct sealed_cost cost,
                                    sealed_sink sink, void *arg, struct sealed_writer **ret_writer);

enum sealed_fault sealed_writer_add(struct sealed_writer *writer, const void *data, size_t length);

/* Gives the last piece to the sink. Without it, the file is one that was cut short. */
enum sealed_fault sealed_writer_finish(struct sealed_writer *writer);

/* Wipes and frees. NULL is fine. */
void sealed_writer_free(struct sealed_writer *writer);

/* ---- reading ---- */

struct sealed_head {
    bool locked; /* a passphrase is needed */
    struct sealed_cost cost;
    const uint8_t *salt, *nonce; /* borrowed from the bytes that were read */
};

/* Reads the head, from as many bytes as there are. */
enum sealed_fault sealed_head_read(const uint8_t *bytes, size_t length,
                                   struct sealed_head *ret_head);

struct sealed_reader;

/* Makes the key; `passphrase` is not looked at unless the file is locked. New;
 * sealed_reader_free(). */
enum sealed_fault sealed_reader_new(const struct sealed_head *head, const char *passphrase,
                                    struct sealed_reader **ret_reader);

/* How many bytes of the file to read for the next piece: fewer only if it ends before. 0: that was
 * all, and nothing may follow. */
size_t sealed_reader_wants(const struct sealed_reader *reader);

/* Opens the piece that was read. *ret_data is borrowed until the next call. */
enum sealed_fault sealed_reader_open(struct sealed_reader *reader, const uint8_t *piece,
                                     size_t length, const uint8_t **ret_data, size_t *ret_length);

/* Wipes and frees. NULL is fine. */
void sealed_reader_free(struct sealed_reader *reader);

#endif
