/* Ctrl-C while the daemon has something in its care. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

/* From now on Ctrl-C (SIGINT) says "wormctl: …" on standard error and exits with EXIT_INTERRUPTED.
 * Formatted as by printf, now, and with control characters escaped. */
void interrupt_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
