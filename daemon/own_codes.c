#include "config.h"

#include "daemon/own_codes.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/turn_batch.h"
#include "net/url.h"
#include "state/store.h"
#include "wormhole/code.h"

/* ---- the same relay, however it is spelled ---- */

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "ip6-localhost") == 0 ||
           strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

static bool is_same_host(const char *one, const char *other)
{
    struct in6_addr a, b;
    size_t length = strlen(one);
    if (length > 0 && one[length - 1] == '.') /* the root of all names */
        length--;
    if (strncmp(one, other, length) == 0 &&
        (other[length] == '\0' || strcmp(other + length, ".") == 0))
        return true;
    if (is_loopback(one) && is_loopback(other))
        return true;
    return inet_pton(AF_INET6, one, &a) == 1 && inet_pton(AF_INET6, other, &b) == 1 &&
           memcmp(&a, &b, sizeof(a)) == 0;
}

static bool is_same_relay(const char *one, const char *other)
{
    struct url a, b;
    if (strcmp(one, other) == 0)
        return true;
    return url_parse(one, &a) == URL_OK && url_parse(other, &b) == URL_OK && a.port == b.port &&
           is_same_host(a.host, b.host);
}

/* ---- looking ---- */

/* `side` NULL: whoever meets others at the same place. */
static bool is_rival(const struct session *other, const struct session *session, const char *side)
{
    if (side != NULL)
        return strcmp(other->side, side) == 0;
    return session_meets_by_code(other) && strcmp(other->appid, session->appid) == 0 &&
           is_same_relay(other->relay, session->relay);
}

static bool find(struct turns *turns, const struct session *session, const char *side)
{
    struct kv_txn *txn = turns->batch->txn;
    char nameplate[NAMEPLATE_MAX + 1];
    uint8_t id[SESSION_ID_BYTES];
    bool found = false;
    if (session_code(session) == NULL)
        return false;
    code_nameplate(session->code, nameplate);
    for (enum kv_status status = store_next_code(txn, nameplate, NULL, id);
         !found && status == KV_OK; status = store_next_code(txn, nameplate, id, id)) {
        struct session *other;
        if (memcmp(id, session->id, SESSION_ID_BYTES) == 0 ||
            store_get_session(txn, id, &other) != KV_OK)
            continue;
        /* That it was established may still be deferred, while its nameplate is free again: it
         * counts as it is. */
        const struct session *live = turn_active(turns, id);
        found = is_rival(live != NULL ? live : other, session, side);
        session_free(other);
    }
    return found;
}

bool own_codes_taken(struct turns *turns, const struct session *session)
{
    return find(turns, session, NULL);
}

bool own_codes_is_side(struct turns *turns, const struct session *session, const char *side)
{
    return find(turns, session, side);
}
