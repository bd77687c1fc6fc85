#include "config.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/escape.h"
#include "cli/exit.h"
#include "cli/interrupt.h"

/* Two lines of text with a petname or two in it. */
#define MESSAGE_MAX 1024

static char message[MESSAGE_MAX];

static void leave(int signal_number)
{
    (void)signal_number;
    if (write(STDERR_FILENO, message, strlen(message)) < 0) {
        /* Nobody listens; what it says is true all the same. */
    }
    _exit(EXIT_INTERRUPTED);
}

void interrupt_say(const char *format, ...)
{
    struct sigaction action = {.sa_handler = leave}, old;
    char *text = NULL, *safe = NULL;
    sigset_t block, before;
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) >= 0) {
        safe = escape_text(text, strlen(text), false);
        free(text);
    }
    va_end(arguments);

    sigemptyset(&block);
    sigaddset(&block, SIGINT);
    sigprocmask(SIG_BLOCK, &block, &before); /* never a half of one text */
    snprintf(message, sizeof(message), "\nwormctl: %s\n", safe != NULL ? safe : "interrupted");
    /* Who started us in the background and out of reach of Ctrl-C meant it. */
    if (sigaction(SIGINT, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
        sigaction(SIGINT, &action, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    free(safe);
}
