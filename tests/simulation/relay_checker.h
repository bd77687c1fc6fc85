/*
 * The judge's checker at our relay: whatever it hears and says, on any connection, is held against
 * what a relay may say. It welcomes first, and acknowledges at once; it tells what is durable and
 * nothing else, each connection each message once and in the mailbox's order; a pong comes after
 * all that was asked for before it; nobody is a third; nothing is forgotten before its time.
 */
#ifndef SIMULATION_RELAY_CHECKER_H
#define SIMULATION_RELAY_CHECKER_H

#include <stdbool.h>
#include <stdint.h>

struct relay_checker;

/* Of a relay that keeps for `retention` ms what nobody visits. relay_checker_free(). */
struct relay_checker *relay_checker_new(int64_t retention);
void relay_checker_free(struct relay_checker *checker);

/* A connection, by its address, is heard from … until it leaves. */
void relay_checker_enter(struct relay_checker *checker, const void *connection);
void relay_checker_leave(struct relay_checker *checker, const void *connection);

/* The relay is about to hear a text; and it has heard it. */
void relay_checker_hear(struct relay_checker *checker, const void *connection, const char *text);
void relay_checker_heard(struct relay_checker *checker, const void *connection);

/* It says something, or ends the connection. */
void relay_checker_said(struct relay_checker *checker, const void *connection, const char *text);
void relay_checker_dropped(struct relay_checker *checker, const void *connection);

/* True while what was asked for becomes durable, and is answered. */
void relay_checker_commits(struct relay_checker *checker, bool commits);

#endif
