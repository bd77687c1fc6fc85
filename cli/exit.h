/* What wormctl's exit status says; wormctl(1) promises these numbers to scripts. */
#ifndef CLI_EXIT_H
#define CLI_EXIT_H

enum exit_status {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NOTHING = 3,       /* nothing there, or the time ran out */
    EXIT_SESSION = 4,       /* the session failed: lonely, scary, errory, crowded */
    EXIT_NO_DAEMON = 5,     /* nobody listens on the socket */
    EXIT_INTERRUPTED = 130, /* Ctrl-C: 128 + SIGINT, as shells have it */
};

#endif
