/* Calls to the system about the file `keys`, or what is to take its place or was there before:
 * counted, and made to fail, or to kill the process. */
#ifndef TESTS_KEYSFAULT_H
#define TESTS_KEYSFAULT_H

#include <sys/types.h>

enum keysfault_call {
    KEYSFAULT_READ,
    KEYSFAULT_WRITE,
    KEYSFAULT_SYNC,      /* fdatasync */
    KEYSFAULT_FSYNC,     /* of the file */
    KEYSFAULT_DIRECTORY, /* fsync of a directory */
    KEYSFAULT_LINK,
    KEYSFAULT_OTHER, /* ftruncate, rename, unlink */
    KEYSFAULT_CALLS
};

/* How many there were, refused ones too, since the last time that this was asked. */
unsigned keysfault_count(enum keysfault_call call);

/* Each one fails from now on; 0: none does. */
void keysfault_refuse(enum keysfault_call call, int error);

/* The process is killed instead of its nth call from now on (from 1) that changes something. */
void keysfault_kill(unsigned nth);

/* The page at this place of `keys` can neither be read nor written in part (EIO) until it is
 * written as a whole. 0: none is like that. */
void keysfault_bad_page(off_t place);

#endif
