/*
 * A place in a mailbox: behind one of its messages. A client is told it as a token, and may name it
 * when it opens the mailbox again (doc/relay-extensions.md, `resume`).
 *
 * A message's number alone would not do: a mailbox that is made anew, and a store that was put back
 * from an older copy, use numbers again for other messages. So each message has a mark, drawn when
 * it is added and stored with it. Messages are only ever appended, and a copy of the store holds
 * what was before, too: where the message with this number has this mark, all before it are what
 * they were.
 */
#ifndef RELAY_POSITION_H
#define RELAY_POSITION_H

#include <stdint.h>

/* All zero: before the first message, or of no use. */
struct relay_position {
    uint64_t number; /* of the message */
    uint64_t mark;   /* … and its mark; 0: it has none, being from an earlier version */
};

#define RELAY_POSITION_TEXT 33 /* bytes of a token, with the NUL */

void relay_position_write(const struct relay_position *position,
                          char ret_token[RELAY_POSITION_TEXT]);

/* Of anything but a token, all zero. */
struct relay_position relay_position_read(const char *token);

#endif
