/* The form in which stock relays write the id of a mailbox: 8 bytes in base32. */
#ifndef BASE_MAILBOX_ID_H
#define BASE_MAILBOX_ID_H

#include <stdint.h>

#define MAILBOX_ID_BYTES 8
#define MAILBOX_ID_TEXT  14 /* with the NUL */

/* Lower case, without padding. */
void mailbox_id_text(const uint8_t bytes[MAILBOX_ID_BYTES], char ret_text[MAILBOX_ID_TEXT]);

#endif
