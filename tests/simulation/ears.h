/*
 * The judge's ears at our relay: whatever it hears and says, on any connection, is held against
 * what a relay may say. It welcomes first, and acknowledges at once; it tells what is durable and
 * nothing else, each connection each message once and in the mailbox's order; a pong comes after
 * all that was asked for before it; nobody is a third; nothing is forgotten before its time.
 */
#ifndef SIMULATION_EARS_H
#define SIMULATION_EARS_H

#include <stdbool.h>
#include <stdint.h>

struct ears;

/* Of a relay that keeps for `retention` ms what nobody visits. ears_free(). */
struct ears *ears_new(int64_t retention);
void ears_free(struct ears *ears);

/* A connection, by its address, is heard from … until it leaves. */
void ears_enter(struct ears *ears, const void *connection);
void ears_leave(struct ears *ears, const void *connection);

/* The relay is about to hear a text; and it has heard it. */
void ears_hear(struct ears *ears, const void *connection, const char *text);
void ears_heard(struct ears *ears, const void *connection);

/* It says something, or ends the connection. */
void ears_said(struct ears *ears, const void *connection, const char *text);
void ears_dropped(struct ears *ears, const void *connection);

/* True while what was asked for becomes durable, and is answered. */
void ears_commits(struct ears *ears, bool commits);

#endif
