#include "config.h"

#include "net/address.h"

#include <arpa/inet.h>
#include <string.h>

static void add(struct address_list *list, const union address *address)
{
    if (list->count == ADDRESS_MAX)
        return;
    for (unsigned i = 0; i < list->count; i++)
        /* Whoever makes an address sets every byte of it. */
        /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) */
        if (memcmp(&list->items[i], address, sizeof(*address)) == 0)
            return;
    list->items[list->count++] = *address;
}

bool address_add_text(struct address_list *list, const char *text, uint16_t port)
{
    struct in_addr v4;
    struct in6_addr v6;
    union address address;

    memset(&address, 0, sizeof(address));
    if (inet_pton(AF_INET, text, &v4) == 1) {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons(port);
        address.v4.sin_addr = v4;
    } else if (inet_pton(AF_INET6, text, &v6) == 1) {
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons(port);
        address.v6.sin6_addr = v6;
    } else {
        return false;
    }
    add(list, &address);
    return true;
}

void address_add_socket(struct address_list *list, const struct sockaddr *from, uint16_t port)
{
    union address address;

    memset(&address, 0, sizeof(address));
    if (from->sa_family == AF_INET) {
        memcpy(&address.v4, from, sizeof(address.v4));
        address.v4.sin_port = htons(port);
    } else if (from->sa_family == AF_INET6) {
        memcpy(&address.v6, from, sizeof(address.v6));
        address.v6.sin6_port = htons(port);
    } else {
        return;
    }
    add(list, &address);
}

void address_add_list(struct address_list *list, const struct address_list *from, uint16_t port)
{
    for (unsigned i = 0; i < from->count; i++)
        address_add_socket(list, &from->items[i].any, port);
}

socklen_t address_length(const union address *address)
{
    return address->any.sa_family == AF_INET ? sizeof(address->v4) : sizeof(address->v6);
}

/* ---- public ones ---- */

struct prefix {
    uint8_t bytes[16];
    unsigned bits;
};

/* RFC 6890, and the registries since. */
static const struct prefix special_v4[] = {
    {{0}, 8},
    {{10}, 8},
    {{100, 64}, 10},
    {{127}, 8},
    {{169, 254}, 16},
    {{172, 16}, 12},
    {{192, 0, 0}, 24},
    {{192, 0, 2}, 24},
    {{192, 88, 99}, 24},
    {{192, 168}, 16},
    {{198, 18}, 15},
    {{198, 51, 100}, 24},
    {{203, 0, 113}, 24},
    {{224}, 3}, /* multicast, reserved, broadcast */
};

/* Of 2000::/3, in which all others are. */
static const struct prefix special_v6[] = {
    {{0x20, 0x01, 0, 0}, 23},       /* Teredo, benchmarking, … */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x3f, 0xff, 0}, 20},          /* likewise */
};

static const struct prefix unicast_v6 = {{0x20}, 3};

/* What has an IPv4 address in it, and where. */
static const struct embedding {
    struct prefix prefix;
    unsigned at;
} embeddings[] = {
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96}, 12}, /* mapped */
    {{{0x00, 0x64, 0xff, 0x9b}, 96}, 12},                   /* NAT64 */
    {{{0x20, 0x02}, 16}, 2},                                /* 6to4 */
};

static bool has_prefix(const uint8_t *bytes, const struct prefix *prefix)
{
    unsigned whole = prefix->bits / 8, rest = prefix->bits % 8;
    uint8_t mask = (uint8_t)(0xff00 >> rest);

    return memcmp(bytes, prefix->bytes, whole) == 0 &&
           (rest == 0 || (bytes[whole] & mask) == (prefix->bytes[whole] & mask));
}

static bool is_special(const uint8_t *bytes, const struct prefix *table, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (has_prefix(bytes, &table[i]))
            return true;
    return false;
}

#define IS_SPECIAL(bytes, table) is_special(bytes, table, sizeof(table) / sizeof((table)[0]))

static bool is_public_v6(const uint8_t *bytes)
{
    for (size_t i = 0; i < sizeof(embeddings) / sizeof(embeddings[0]); i++)
        if (has_prefix(bytes, &embeddings[i].prefix))
            return !IS_SPECIAL(bytes + embeddings[i].at, special_v4);
    return has_prefix(bytes, &unicast_v6) && !IS_SPECIAL(bytes, special_v6);
}

bool address_is_public(const union address *address)
{
    if (address->any.sa_family == AF_INET6)
        return is_public_v6(address->v6.sin6_addr.s6_addr);
    return !IS_SPECIAL((const uint8_t *)&address->v4.sin_addr, special_v4);
}

void address_keep_public(struct address_list *list)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < list->count; i++)
        if (address_is_public(&list->items[i]))
            list->items[kept++] = list->items[i];
    list->count = kept;
}
