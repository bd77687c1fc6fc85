#ifndef LIBCLIENT_PARAMS_H
#define LIBCLIENT_PARAMS_H

#include "ipc/writer.h"
#include "libclient/wormclient.h"

/* A map that is being written, and stays open until wormclient_request ends it. */
struct wormclient_params {
    struct writer writer;
};

#endif
