/* watch --exec: a command of the user's for each change. */
#ifndef CLI_HOOK_H
#define CLI_HOOK_H

#include "cli/watch_line.h"

/*
 * Runs `command` in a shell, with what happened in its environment (wormctl(1) lists the variables;
 * no secret is among them), and waits for its end. `socket` (NULL: none was given) becomes
 * $WORMHOLED_SOCKET. If it fails, says so; EXIT_FAILED only if it cannot be run at all.
 */
enum exit_status hook_run(const char *command, const char *socket, const struct watch_line *line);

#endif
