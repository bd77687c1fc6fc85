/*
 * The journal of a session: what happened to it, for people who ask why something did not arrive.
 * It is a member of the session and so part of its record: it becomes durable together with the
 * change that it tells of, costs no commit of its own, is sealed with the session's key, and goes
 * when the session is forgotten.
 *
 * It is bounded. What goes on happening is one entry that counts; and when there is no room, the
 * oldest entry goes that is not a step of the session's story (journal.def).
 *
 * It holds no code, no key and nothing of any message. Texts in it come from ourselves, the system
 * or the relay, and have no control characters.
 */
#ifndef WORMHOLE_JOURNAL_H
#define WORMHOLE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most entries and bytes: with what else a session has, its record mostly fits into a page. */
#define JOURNAL_ENTRIES_MAX 64
#define JOURNAL_BYTES_MAX   1536
/* Longest text of an entry: why. */
#define JOURNAL_TEXT_MAX 160
/* An event that came up again this soon after it began, ms, is told once, although other things of
 * everyday happened in between. */
#define JOURNAL_SPAN ((int64_t)3600 * 1000)

/* As stored; `= {0}` is an empty one. */
struct journal {
    uint8_t *bytes; /* new, owned; or NULL */
    size_t length;
};

/* Numbers that stay as they are: they are stored. */
enum journal_event {
#define JOURNAL(tag, ID, ...) JOURNAL_##ID = (tag),
#include "wormhole/journal.def"
    JOURNAL_EVENTS /* more than any of them */
};

struct journal_entry {
    uint32_t event;      /* one of these, or one that a later version knows */
    int64_t first, last; /* when it happened, and again; ms since the epoch */
    uint32_t times;      /* how often */
    uint32_t number;     /* the newest; what it is says the event's row */
    const char *text;    /* the newest, without a NUL; borrowed from the journal */
    size_t text_length;  /* 0: there is none */
};

/* Adds that `event` happened `times` times by now. `text` may be NULL. False when out of memory:
 * nothing was added. */
bool journal_add(struct journal *journal, int64_t now, enum journal_event event, uint32_t times,
                 uint32_t number, const char *text);

/* True if the relay could not be reached when that was last noted. */
bool journal_in_trouble(const struct journal *journal);

/* ---- reading ---- */

struct journal_reader {
    const uint8_t *at, *end;
};

/* Begins at the oldest entry. Returns how many older ones were dropped to make room. */
uint32_t journal_read(const struct journal *journal, struct journal_reader *ret_reader);

/* False at the end; what is malformed is one. */
bool journal_next(struct journal_reader *reader, struct journal_entry *ret_entry);

/* A word for programs, as doc/ipc.md lists them; "unknown" for one of a later version. Constant. */
const char *journal_event_name(uint32_t event);

/* Room for a sentence, with the NUL. */
#define JOURNAL_SENTENCE_MAX 320

/* What an entry says, for people. */
void journal_sentence(const struct journal_entry *entry, char ret_text[JOURNAL_SENTENCE_MAX]);

#endif
