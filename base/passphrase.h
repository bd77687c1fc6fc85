/* A passphrase from a person or a script: never from the arguments of a process or its environment,
 * which others can read. */
#ifndef BASE_PASSPHRASE_H
#define BASE_PASSPHRASE_H

#include <stdbool.h>
#include <stddef.h>

/* Longest one, in bytes. */
#define PASSPHRASE_MAX 1024
/* Room for a sentence. */
#define PASSPHRASE_WHY 768

enum passphrase_status {
    PASSPHRASE_OK = 0,
    PASSPHRASE_NO_TERMINAL, /* nobody can be asked */
    PASSPHRASE_INTERRUPTED, /* by Ctrl-C; or by another signal that has not ended the process */
    PASSPHRASE_REFUSED,
};

/* Asks at the terminal of the process, whatever its standard input is, without showing what is
 * typed; `twice` for one that is to be remembered. Signals that end or stop the process do so when
 * the terminal is as it was. *ret_passphrase is new: passphrase_free().
 * Otherwise ret_why (of `size` bytes) is a sentence. */
enum passphrase_status passphrase_ask(const char *prompt, bool twice, char **ret_passphrase,
                                      char *ret_why, size_t size);

/* The first line of a file, which other users must not be able to read; or of a pipe: /dev/fd/3.
 * Otherwise as above. */
enum passphrase_status passphrase_read(const char *path, char **ret_passphrase, char *ret_why,
                                       size_t size);

/* Wipes and frees. NULL is fine. */
void passphrase_free(char *passphrase);

#endif
