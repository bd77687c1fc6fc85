/*
 * Durable sends: many clients of a daemon, each with a session of its own, send one message after
 * the other, and wait for each answer. And what LMDB alone does, if so many threads of one program
 * shared each commit: the same rows, of the same sizes, in as many tables.
 */
#include "config.h"

#include <lmdb.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ipc/message.h"
#include "tests/bench/load.h"

#define CLIENTS_MAX 1024
#define ID_TEXT     17 /* a session's id in hex, with the NUL */
#define TEXT_BYTES  100

/* ---- the daemon ---- */

struct sender {
    int socket;
    char session[ID_TEXT];
    uint32_t request;
};

static void write_all(int socket, struct writer *writer)
{
    const struct buffer *bytes = &writer->buffer;
    if (writer->failed || write(socket, bytes->data, bytes->size) != (ssize_t)bytes->size)
        load_fail("a request cannot be sent");
    writer_free(writer);
}

static void send_hello(struct sender *sender)
{
    struct writer writer;
    writer_init(&writer);
    message_begin_request(&writer, sender->request++, "hello");
    writer_map(&writer, NULL);
    writer_number(&writer, "api", 1);
    writer_end(&writer);
    write_all(sender->socket, &writer);
}

static void send_text(struct sender *sender)
{
    static const char text[TEXT_BYTES];
    struct writer writer;
    writer_init(&writer);
    message_begin_request(&writer, sender->request++, "send");
    writer_map(&writer, NULL);
    writer_text(&writer, "session", sender->session);
    writer_data(&writer, "data", (const uint8_t *)text, sizeof(text));
    writer_end(&writer);
    write_all(sender->socket, &writer);
}

/* An answer fits into what one read takes, and nothing else is said. */
static void await_answer(const struct sender *sender)
{
    char answer[512];
    ssize_t length = read(sender->socket, answer, sizeof(answer));
    if (length <= 0)
        load_fail("the daemon does not answer");
    if (memmem(answer, (size_t)length, "code", strlen("code")))
        load_fail("the daemon refuses");
}

static void join(struct sender *sender, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path))
        load_fail("a long path");
    strcpy(address.sun_path, path);
    sender->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (sender->socket < 0 ||
        connect(sender->socket, (const struct sockaddr *)&address, sizeof(address)))
        load_fail("no daemon there");
    send_hello(sender);
    await_answer(sender);
}

void load_sends(char **words)
{
    static struct sender senders[CLIENTS_MAX];
    static struct pollfd polls[CLIENTS_MAX];
    unsigned long wanted = strtoul(words[1], NULL, 10), begun = 0, done = 0;
    nfds_t count = 0;
    while (count < CLIENTS_MAX && scanf("%16s", senders[count].session) == 1) {
        join(&senders[count], words[0]);
        polls[count] = (struct pollfd){.fd = senders[count].socket, .events = POLLIN};
        count++;
    }
    int64_t started = load_now();
    for (nfds_t i = 0; i < count; i++, begun++)
        send_text(&senders[i]);
    while (done < begun) {
        if (poll(polls, count, -1) < 0)
            load_fail("cannot wait");
        for (nfds_t i = 0; i < count; i++) {
            if (polls[i].revents == 0)
                continue;
            await_answer(&senders[i]);
            done++;
            if (begun < wanted) {
                send_text(&senders[i]);
                begun++;
            }
        }
    }
    printf("sends-per-second %f\n", (double)done * 1e6 / (double)(load_now() - started));
}

/* ---- LMDB alone ---- */

#define MAP_BYTES ((size_t)1 << 30)
/* A session's record and its message, sealed, with what surrounds them in LMDB. */
#define RECORD_BYTES 560
#define ROW_BYTES    (TEXT_BYTES + 24 + 44)

enum { SESSIONS, OUTBOX, CHANGES, META, TABLES };

struct alone {
    MDB_env *env;
    MDB_dbi tables[TABLES];
    uint64_t ids[CLIENTS_MAX], changes[CLIENTS_MAX], change;
    uint32_t number;
};

static void check(int status)
{
    if (status)
        load_fail(mdb_strerror(status));
}

static void put(struct alone *alone, MDB_txn *txn, int table, const void *key, size_t key_bytes,
                size_t bytes)
{
    static const char row[RECORD_BYTES];
    MDB_val place = {key_bytes, (void *)key}, value = {bytes, (void *)row};
    check(mdb_put(txn, alone->tables[table], &place, &value, 0));
}

static void put_send(struct alone *alone, MDB_txn *txn, size_t client)
{
    struct {
        uint64_t id;
        uint32_t number;
    } __attribute__((packed))
    message = {alone->ids[client], (uint32_t)__builtin_bswap32(alone->number)};
    uint64_t change = __builtin_bswap64(++alone->change);
    MDB_val old = {sizeof(uint64_t), &alone->changes[client]};
    if (alone->number > 0)
        check(mdb_del(txn, alone->tables[CHANGES], &old, NULL));
    alone->changes[client] = change;
    put(alone, txn, CHANGES, &change, sizeof(change), sizeof(uint64_t));
    put(alone, txn, META, "change", strlen("change"), sizeof(uint64_t));
    put(alone, txn, OUTBOX, &message, sizeof(message), ROW_BYTES);
    put(alone, txn, SESSIONS, &alone->ids[client], sizeof(uint64_t), RECORD_BYTES);
}

static void open_alone(struct alone *alone, const char *directory)
{
    static const char *const names[TABLES] = {"sessions", "outbox", "changes", "meta"};
    MDB_txn *txn;
    if (mkdir(directory, 0700))
        load_fail("the directory exists, or cannot be made");
    check(mdb_env_create(&alone->env));
    check(mdb_env_set_mapsize(alone->env, MAP_BYTES));
    check(mdb_env_set_maxdbs(alone->env, TABLES));
    check(mdb_env_open(alone->env, directory, 0, 0600));
    check(mdb_txn_begin(alone->env, NULL, 0, &txn));
    for (int i = 0; i < TABLES; i++)
        check(mdb_dbi_open(txn, names[i], MDB_CREATE, &alone->tables[i]));
    check(mdb_txn_commit(txn));
}

void load_sends_floor(char **words)
{
    static struct alone alone;
    size_t clients = strtoul(words[1], NULL, 10);
    unsigned long wanted = strtoul(words[2], NULL, 10), done = 0;
    if (clients == 0 || clients > CLIENTS_MAX)
        load_fail("so many clients cannot be");
    open_alone(&alone, words[0]);
    randombytes_buf(alone.ids, sizeof(alone.ids));
    int64_t started = load_now();
    for (; done < wanted; alone.number++) {
        MDB_txn *txn;
        check(mdb_txn_begin(alone.env, NULL, 0, &txn));
        for (size_t i = 0; i < clients; i++, done++)
            put_send(&alone, txn, i);
        check(mdb_txn_commit(txn));
    }
    printf("sends-per-second %f\n", (double)done * 1e6 / (double)(load_now() - started));
    mdb_env_close(alone.env);
}
