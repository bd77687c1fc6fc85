#include "config.h"

#include "base/mailbox_id.h"

#include <stddef.h>

void mailbox_id_text(const uint8_t bytes[MAILBOX_ID_BYTES], char ret_text[MAILBOX_ID_TEXT])
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
    unsigned bits = 0, held = 0;
    size_t next = 0;

    for (size_t i = 0; i < MAILBOX_ID_TEXT - 1; i++, held -= 5) {
        if (held < 5) {
            /* Zeros follow the last byte. */
            bits = bits << 8 | (next < MAILBOX_ID_BYTES ? bytes[next++] : 0);
            held += 8;
        }
        ret_text[i] = alphabet[bits >> (held - 5) & 31];
    }
    ret_text[MAILBOX_ID_TEXT - 1] = '\0';
}
