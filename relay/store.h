/*
 * What a rendezvous relay remembers: nameplates, mailboxes, messages. The operations are the
 * relay's own, not those of a database, and each is asynchronous: it completes, through its
 * callback, when its effect is durable. Callers must not assume that a callback comes before the
 * call returns or after it, nor that this process is the only writer.
 *
 * Operations of one `turn` complete in the order in which they were requested; all of a connection
 * are in one. Across turns there is only one promise: an operation sees whatever was complete
 * before it was requested. Turns share the store fairly: much that waits in one does not hold up
 * another.
 *
 * An implementation fills a struct relay_store with its functions: lmdb_store.c. (And
 * tests/doubles/memory_store.c, the tests' double.) relay/store_open.h opens the one that an
 * address names.
 */
#ifndef RELAY_STORE_H
#define RELAY_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/position.h"

/* Longest appid, side, nameplate, mailbox id and phase, in bytes. Stock ones are far shorter;
 * stored keys must be bounded. */
#define RELAY_APPID_MAX     128
#define RELAY_SIDE_MAX      64
#define RELAY_NAMEPLATE_MAX 64
#define RELAY_MAILBOX_MAX   64
#define RELAY_PHASE_MAX     64
/* Longest id that a client gives to a message; stock ones are 4 to 16. */
#define RELAY_ID_MAX 64
/* Longest mood; "happy", "lonely", "scary", "errory" are known. */
#define RELAY_MOOD_MAX 16

enum relay_result {
    RELAY_DONE = 0,
    RELAY_CROWDED,      /* a third side; it was not recorded */
    RELAY_RECLAIMED,    /* this side released the nameplate before */
    RELAY_NO_NAMEPLATE, /* allocate: every number is taken */
    RELAY_NOT_OPEN,     /* add: this side has closed the mailbox, or it is gone */
    RELAY_TOO_MUCH,     /* the mailbox already holds as many messages or bytes as it may */
    RELAY_FULL,         /* no room on the disk; nothing was changed */
    RELAY_BROKEN,       /* the store failed; nothing was changed */
    RELAY_IN_DOUBT,     /* nobody can tell whether it was done. Whoever asked learns nothing: its
                          connection ends, and it asks again over another */
};

/* Who requests an operation. Strings are borrowed for the call; the implementation copies what it
 * keeps. */
struct relay_who {
    const char *appid;
    const char *side;
    uint64_t turn; /* orders operations, see above */
    int64_t now; /* ms since the epoch: the time of the activity, which prolongs a mailbox's life */
    uint64_t owner; /* stands for its address: what the mailboxes that it makes are charged to; 0:
                       nobody. A full store deletes those of the heaviest owners that nobody else
                       has come to */
};

struct relay_message {
    uint64_t
        number; /* position in its mailbox: 1, 2, 3, … in the order in which they were stored */
    uint64_t mark; /* drawn when it was added: relay/position.h; 0: none */
    const char *side;
    const char *phase;
    const char *body; /* hex, as received */
    size_t body_length;
    const char *id;    /* the client's id for it, or NULL */
    int64_t server_rx; /* ms since the epoch */
};

/* The outcome of an operation. Borrowed for the call. */
struct relay_answer {
    enum relay_result result;
    const char *nameplate; /* allocate */
    const char *mailbox;   /* claim */
    const struct relay_message
        *messages;   /* open, read: what is stored, this side's own included, oldest first … */
    bool more;       /* … up to here, and more remain: see read */
    bool resumed;    /* open: it is what is stored behind the place that was asked for */
    uint64_t serial; /* open, read, add: of the mailbox, see relay_feed; 0: this side does not have
                        it open */
    const char *const *nameplates; /* list */
    size_t count;                  /* of messages or nameplates */
};

typedef void (*relay_done)(void *arg, const struct relay_answer *answer);

/*
 * What the store tells of the mailboxes that are listened to, whoever has changed them, another
 * process included. Strings are borrowed for the call.
 */
struct relay_feed {
    void *arg;
    /*
     * For every message that has become durable, in the order of its mailbox, none left out: the
     * listener drops what is not behind the last. The callback of the `add` that brought it comes
     * after. Messages that an `open` has already returned may come again here, and the first may
     * come before the answer to an `open` that does not hold it; their numbers tell.
     *
     * `serial` tells mailboxes of one name apart: one that is made anew, in which numbers begin
     * again at 1, has a greater one than those before it. It is never 0.
     */
    void (*message)(void *arg, const char *appid, const char *mailbox, uint64_t serial,
                    const struct relay_message *message);
    /* This side has closed the mailbox: it listens no longer. The callback of the `close` comes
     * after. An `open` of this side that was answered before is over; a later one is not. */
    void (*closed)(void *arg, const char *appid, const char *mailbox, const char *side);
    /* The mailbox was deleted though sides of it had not closed it: whoever listens to it would
     * wait in vain. This, too, may come before the answer to an `open` of it. */
    void (*gone)(void *arg, const char *appid, const char *mailbox, uint64_t serial);
};

/* How the life of a mailbox went, now that it is over. Times are ms since the epoch; 0: not known,
 * or never. */
#define RELAY_LIFE_SIDES 2
enum relay_life_end {
    RELAY_LIFE_CLOSED = 0, /* by all its sides */
    RELAY_LIFE_EXPIRED,
    RELAY_LIFE_MADE_WAY, /* the store was full */
};
struct relay_life {
    int64_t began;
    int64_t joined; /* the second side */
    int64_t ended;
    enum relay_life_end end;
    bool nameplate; /* one led to it */
    bool crowded;   /* a third side came */
    uint64_t messages;
    char moods[RELAY_LIFE_SIDES][RELAY_MOOD_MAX + 1]; /* of the sides that have closed it, or "" */
};

/* What the store tells whoever runs it. */
struct relay_watch {
    void *arg;
    /* Why something could not be stored, whoever requested it; NULL: the store can be written
     * again. */
    void (*trouble)(void *arg, const char *why);
    /* How many mailboxes were deleted because there was no room. */
    void (*cleared)(void *arg, uint64_t mailboxes);
    /* The life of a mailbox is over, and that is durable; told where it was ended, and nowhere
     * else. The callback of a `close` that ended it comes after. */
    void (*ended)(void *arg, const struct relay_life *life);
};

/* ms that a mailbox lives without a visit if a nameplate leads to it, one side alone has opened it
 * and it never held a message: as on a stock relay. */
#define RELAY_UNUSED_LIFE (11 * INT64_C(60000))

struct relay_limits {
    int64_t retention; /* ms without activity, after which a mailbox and its nameplate expire */
    uint64_t mailbox_bytes; /* of all bodies in one mailbox, as hex, and ids */
    uint32_t mailbox_messages;
    size_t piece_bytes; /* of messages in one answer: as many as reach it; 0: all of them */
};

struct relay_counts {
    uint64_t nameplates, mailboxes, messages;
    uint64_t evicted;             /* mailboxes, since the start: see relay_who */
    uint64_t commits;             /* since the start */
    uint64_t commit_microseconds; /* total of all commits */
};

struct relay_store {
    void *self;

    /* Gives this side the shortest free number of its app (1 digit, then 2, …, random among those
     * of a length) and claims it. Idempotent as long as its last allocation is unused, that is, no
     * other side has come and nothing was added: a lost answer leaves no nameplate that nobody
     * knows. */
    void (*allocate)(void *self, const struct relay_who *who, relay_done done, void *arg);
    /* Claims the nameplate; creates nameplate and mailbox if there are none; opens the mailbox for
     * this side. Idempotent until this side has released. */
    void (*claim)(void *self, const struct relay_who *who, const char *nameplate, relay_done done,
                  void *arg);
    /* The nameplate is gone when every side that claimed it has released. Unknown nameplates are
     * fine. */
    void (*release)(void *self, const struct relay_who *who, const char *nameplate, relay_done done,
                    void *arg);
    /* Creates the mailbox if there is none. With `after` (or NULL), only what is behind that place,
     * if it is one of this mailbox; everything, if it is not. */
    void (*open)(void *self, const struct relay_who *who, const char *mailbox,
                 const struct relay_position *after, relay_done done, void *arg);
    /* What is stored after message number `after`; nothing if this side does not have the mailbox
     * open. */
    void (*read)(void *self, const struct relay_who *who, const char *mailbox, uint64_t after,
                 relay_done done, void *arg);
    void (*add)(void *self, const struct relay_who *who, const char *mailbox,
                const struct relay_message *message, relay_done done, void *arg);
    /*
     * Closes the mailbox for this side, with the mood that it gives ("" for none), even if it never
     * opened it; its claim on the nameplate that leads there is released too. When every side that
     * opened the mailbox of this app has closed it, that mailbox, and nothing else, is gone.
     */
    void (*close)(void *self, const struct relay_who *who, const char *mailbox, const char *mood,
                  relay_done done, void *arg);
    /* The nameplates of an app, in no particular order. */
    void (*list)(void *self, const struct relay_who *who, relay_done done, void *arg);
    /* A visit continues: prolongs the life of a mailbox that is being listened to. */
    void (*touch)(void *self, const struct relay_who *who, const char *mailbox);
    /* From now on, the feed tells of this mailbox, which need not exist: to be called before its
     * `open` is requested, once for all who listen. False when out of memory. Both NULL: the feed
     * tells of all mailboxes. */
    bool (*listen)(void *self, const char *appid, const char *mailbox);
    void (*unlisten)(void *self, const char *appid, const char *mailbox);
    /* Deletes at most `most` expired mailboxes; the answer's count is the number deleted: if it
     * equals `most`, more may be waiting. */
    void (*expire)(void *self, int64_t now, unsigned most, relay_done done, void *arg);

    /* Callbacks of operations with this arg are no longer called: its owner has gone. The
     * operations are still done. */
    void (*forget)(void *self, const void *arg);
    /* Does not wait: where counting takes a while, it is what was counted some seconds ago. */
    void (*count)(void *self, struct relay_counts *ret_counts);
    /* About how many bytes the operations that wait take of memory. May be NULL. */
    size_t (*queued)(void *self);

    /* Copied; NULL: nobody is told. */
    void (*set_feed)(void *self, const struct relay_feed *feed);
    void (*set_watch)(void *self, const struct relay_watch *watch);
    /* New limits (copied), for operations from now on. Existing mailboxes may already exceed them.
     */
    void (*set_limits)(void *self, const struct relay_limits *limits);
    /* Operations already requested are still done, as far as that is possible, but nobody is told.
     * Not from a callback. */
    void (*free)(void *self);
};

#endif
