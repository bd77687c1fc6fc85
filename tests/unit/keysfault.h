/* Calls to the system about the file `keys`: counted, and made to fail, or to kill the process. */
#ifndef TESTS_KEYSFAULT_H
#define TESTS_KEYSFAULT_H

enum keysfault_call { KEYSFAULT_READ, KEYSFAULT_WRITE, KEYSFAULT_SYNC, KEYSFAULT_CALLS };

/* How many there were, refused ones too, since the last time that this was asked. */
unsigned keysfault_count(enum keysfault_call call);

/* Each one fails from now on; 0: none does. */
void keysfault_refuse(enum keysfault_call call, int error);

/* The process is killed instead of its nth write or sync from now on (from 1). */
void keysfault_kill(unsigned nth);

#endif
