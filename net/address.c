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
