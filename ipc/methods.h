/* The methods of doc/ipc.md. The daemon has a table of handlers with this enum as its index. */
#ifndef IPC_METHODS_H
#define IPC_METHODS_H

#include <stdbool.h>

/* The level of the RPC, told in `hello`: raised when methods or keys are added. */
#define METHODS_API 1

enum method {
    METHOD_HELLO = 0,
    METHOD_STATUS,
    METHOD_INVITE,
    METHOD_ACCEPT,
    METHOD_LIST,
    METHOD_SHOW,
    METHOD_SEND,
    METHOD_RECV,
    METHOD_ACK,
    METHOD_VERIFY,
    METHOD_DERIVE_KEY,
    METHOD_RENAME,
    METHOD_EXPORT,
    METHOD_IMPORT,
    METHOD_CLOSE,
    METHOD_FORGET,
    METHOD_POLL,
    METHOD_SUBSCRIBE,
    METHOD_CHANGES,
    METHOD_NAMEPLATES,
    METHOD_WORDS,
    METHOD_COUNT
};

/* The notification. */
#define METHODS_CHANGED "changed"

/* The method's name on the wire. Constant. */
const char *methods_name(enum method method);

/* False if there is no such method. */
bool methods_find(const char *name, enum method *ret_method);

#endif
