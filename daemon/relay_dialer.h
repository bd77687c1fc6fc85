/* How relays are reached: which certificates and pins they are checked against, and through which
 * proxy. */
#ifndef DAEMON_RELAY_DIALER_H
#define DAEMON_RELAY_DIALER_H

#include <stdbool.h>
#include <stddef.h>

struct event_base;
struct relay;
struct relay_dialer;
struct settings;
struct url;
struct ws;
struct ws_handlers;
struct ws_options;

/* New; relay_dialer_free() after the last connection. `settings` is borrowed until then. NULL
 * with a sentence in ret_why (of `size` bytes) that names the file of certificates that cannot
 * be used. */
struct relay_dialer *relay_dialer_new(struct event_base *base, const struct settings *settings,
                                      char *ret_why, size_t size);
void relay_dialer_free(struct relay_dialer *dialer); /* NULL is fine */

/* Prepares for new settings, which the caller then puts in place of the old ones. False with a
 * sentence in ret_why: nothing has changed. */
bool relay_dialer_prepare(struct relay_dialer *dialer, const struct settings *fresh, char *ret_why,
                          size_t size);

/* True if the settings name this relay, in whatever way: it may then be visited whoever else names
 * it. */
bool relay_dialer_is_known(const struct relay_dialer *dialer, const struct url *url);

/* Why a relay is not visited that the settings do not name, only a session's peer, and before its
 * address is known; NULL: that has to be a public one. A sentence, borrowed. */
const char *relay_dialer_unfit(const struct relay_dialer *dialer, const struct url *url);

/* True if sessions may share a connection to this relay, as far as we are concerned: not where who
 * is there is to be hidden, behind a proxy or a .onion, since it would show whose they are. */
bool relay_dialer_may_share(const struct relay_dialer *dialer, const struct url *url);

/* ws_dial() with the right certificates, pins and proxy; tells `relay`, whose URL is `url`, that it
 * is being dialled. `session`: as for isolation_proxy(). Where sessions are isolated, no connection
 * is shared: relay_dialer_may_share(). */
struct ws *relay_dialer_dial(struct relay_dialer *dialer, struct relay *relay,
                             const struct url *url, const char *session,
                             const struct ws_options *options, const struct ws_handlers *handlers,
                             void *arg);

#endif
