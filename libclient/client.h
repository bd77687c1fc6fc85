/* What the library's own files know of a client beyond wormclient.h. */
#ifndef LIBCLIENT_CLIENT_H
#define LIBCLIENT_CLIENT_H

#include "ipc/buffer.h"
#include "ipc/frame.h"
#include "libclient/pending.h"
#include "libclient/wormclient.h"

struct wormclient {
    int fd; /* -1 once failed */
    struct frame_reader in;
    struct buffer out;
    size_t out_sent; /* of `out`, how much has left */
    struct pending_list pending;
    uint32_t last_id;
    bool greeted;     /* hello was answered, and the daemon is one that we can talk to */
    bool processing;  /* wormclient_process is at work: callbacks run inside it */
    bool freed;       /* wormclient_free was called; while processing, that is done at the end */
    uint64_t changes; /* `changed` notifications so far */
    wormclient_changed changed;
    void *changed_arg;
    struct wormclient_error failure; /* why fd is -1 */
};

/* The connection is of no more use: closes it, and tells the callbacks of all requests why. Does
 * nothing if it has failed before. */
void client_fail(struct wormclient *client, const struct wormclient_error *why);

/* client_fail with a sentence. */
__attribute__((format(printf, 4, 5))) void client_fail_with(struct wormclient *client,
                                                            enum wormclient_code code, int system,
                                                            const char *format, ...);

#endif
