/*
 * What keeps sessions apart at a SOCKS proxy: a user name for each. Tor, and whatever else isolates
 * by it (IsolateSOCKSAuth), sends what different users ask for over different circuits, so that a
 * relay does not see that the sessions are of one daemon.
 *
 * A session's user name is a keyed hash of its id. The key is drawn anew when the daemon starts,
 * and is never stored: within a run a session keeps its circuit, which shows its relay nothing that
 * the mailbox does not; and nobody can tell from two names, or from those of two runs, what they
 * have in common.
 */
#ifndef DAEMON_ISOLATION_H
#define DAEMON_ISOLATION_H

#include <stdint.h>

#define ISOLATION_KEY_BYTES 32

struct proxy;
struct settings;
struct url;

struct isolation {
    uint8_t key[ISOLATION_KEY_BYTES];
};

/* Draws the key. Needs no end: the key protects nothing but the names. */
void isolation_begin(struct isolation *ret_isolation);

/*
 * The proxy through which `relay` is reached for this session (its id as text; NULL: for something
 * that nothing else may be linked with): a copy in *space, to be wiped, with a user name if
 * sessions are isolated there; the proxy of the settings if they are not; NULL if there is none.
 */
const struct proxy *isolation_proxy(const struct isolation *isolation,
                                    const struct settings *settings, const struct url *relay,
                                    const char *session, struct proxy *space);

#endif
