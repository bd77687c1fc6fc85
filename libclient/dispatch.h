#ifndef LIBCLIENT_DISPATCH_H
#define LIBCLIENT_DISPATCH_H

struct wormclient;

/* Calls the callbacks for every whole message that has been read. Fails the client at the first one
 * that the daemon should not have sent. */
void dispatch_all(struct wormclient *client);

#endif
