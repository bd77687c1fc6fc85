#include "config.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "ipc/methods.h"

static const char *const NAMES[METHOD_COUNT] = {
    [METHOD_HELLO] = "hello",
    [METHOD_STATUS] = "status",
    [METHOD_INVITE] = "invite",
    [METHOD_ACCEPT] = "accept",
    [METHOD_LIST] = "list",
    [METHOD_SHOW] = "show",
    [METHOD_SEND] = "send",
    [METHOD_RECV] = "recv",
    [METHOD_ACK] = "ack",
    [METHOD_VERIFY] = "verify",
    [METHOD_DERIVE_KEY] = "derive_key",
    [METHOD_RENAME] = "rename",
    [METHOD_EXPORT] = "export",
    [METHOD_IMPORT] = "import",
    [METHOD_CLOSE] = "close",
    [METHOD_FORGET] = "forget",
    [METHOD_POLL] = "poll",
    [METHOD_SUBSCRIBE] = "subscribe",
    [METHOD_CHANGES] = "changes",
    [METHOD_NAMEPLATES] = "nameplates",
    [METHOD_WORDS] = "words",
};

const char *methods_name(enum method method)
{
    assert((unsigned)method < METHOD_COUNT);
    return NAMES[method];
}

bool methods_find(const char *name, enum method *ret_method)
{
    for (size_t i = 0; i < METHOD_COUNT; i++)
        if (strcmp(NAMES[i], name) == 0) {
            *ret_method = (enum method)i;
            return true;
        }
    return false;
}
