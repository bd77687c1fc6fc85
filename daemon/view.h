/* A session as clients see it: the view of doc/ipc.md. */
#ifndef DAEMON_VIEW_H
#define DAEMON_VIEW_H

struct ipc_call;
struct session;
struct writer;

/* Writes the map. `session` is what the store holds; what only this process knows (its connection,
 * its relay, whether its messages are out with
 * another client than the one that asks) comes from the daemon's tables. */
void view_write(struct writer *writer, const char *key, const struct session *session,
                const struct ipc_call *call);

#endif
