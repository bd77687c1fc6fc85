/* Commands for a person to copy, as whole lines: with the code, and the relay and application where
 * the other side would not take the same ones by itself. */
#ifndef CLI_HINT_H
#define CLI_HINT_H

#include "libclient/wormclient.h"

/*
 * "COMMAND CODE", with --relay unless the session is at the public relay, and with --appid if
 * `appid` is one that the command does not take by itself (NULL: none). CODE stands for itself
 * unless standard error is a terminal: it is a secret. New; wipe_free(). NULL: out of memory.
 */
char *hint_command(const struct wormclient_session *session, const char *command,
                   const char *appid);

/* What the stock client is to be told to receive a text: "wormhole --relay-url URL receive CODE".
 * New; wipe_free(). NULL: out of memory. */
char *hint_stock_receive(const struct wormclient_session *session);

/* The application of sessions that name none. */
#define HINT_APPID "wormholed/introduction"

#endif
