#include "config.h"

#include "daemon/isolation.h"

#include <sodium.h>
#include <string.h>

#include "daemon/settings.h"
#include "net/proxy.h"

/* Bytes of a name: no two sessions have the same one. */
#define NAME_BYTES 16
/* Not empty, since RFC 1929 has none of no length; always the same, since the name says it all. */
#define PASSWORD "session"

_Static_assert(ISOLATION_KEY_BYTES >= crypto_generichash_KEYBYTES_MIN, "a key of a keyed hash");

void isolation_begin(struct isolation *ret_isolation)
{
    randombytes_buf(ret_isolation->key, sizeof(ret_isolation->key));
}

const struct proxy *isolation_proxy(const struct isolation *isolation,
                                    const struct settings *settings, const struct url *relay,
                                    const char *session, struct proxy *space)
{
    const struct proxy *proxy = settings_proxy(settings, relay);
    enum settings_isolation how = settings_isolation(settings, relay);
    uint8_t name[NAME_BYTES];

    if (proxy == NULL || how == SETTINGS_ISOLATION_NONE)
        return proxy;
    if (session != NULL)
        crypto_generichash(name, sizeof(name), (const uint8_t *)session, strlen(session),
                           isolation->key, sizeof(isolation->key));
    else
        randombytes_buf(name, sizeof(name));
    *space = *proxy;
    sodium_bin2hex(space->user, sizeof(space->user), name, sizeof(name));
    memcpy(space->password, PASSWORD, sizeof(PASSWORD));
    space->user_only = how == SETTINGS_ISOLATION_REQUIRED;
    return space;
}
