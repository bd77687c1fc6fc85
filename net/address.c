#include "config.h"

#include "net/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static union address make_address(int family, const void *bytes, uint16_t port)
{
    union address address;

    memset(&address, 0, sizeof(address));
    if (family == AF_INET) {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons(port);
        memcpy(&address.v4.sin_addr, bytes, sizeof(address.v4.sin_addr));
    } else {
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons(port);
        memcpy(&address.v6.sin6_addr, bytes, sizeof(address.v6.sin6_addr));
    }
    return address;
}

static bool listed(const struct address_list *list, const union address *address)
{
    for (unsigned i = 0; i < list->count; i++)
        /* make_address() leaves no byte to chance. */
        /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) */
        if (memcmp(&list->items[i], address, sizeof(*address)) == 0)
            return true;
    return false;
}

static unsigned first_ipv6(const struct address_list *list)
{
    unsigned at = 0;

    while (at < list->count && list->items[at].any.sa_family == AF_INET)
        at++;
    return at;
}

void address_add(struct address_list *list, int family, const void *bytes, uint16_t port)
{
    union address address = make_address(family, bytes, port);
    unsigned at = family == AF_INET ? first_ipv6(list) : list->count;

    if (at == ADDRESS_MAX || listed(list, &address))
        return;
    if (list->count == ADDRESS_MAX)
        list->count--;
    memmove(&list->items[at + 1], &list->items[at], (list->count - at) * sizeof(*list->items));
    list->items[at] = address;
    list->count++;
}

bool address_add_text(struct address_list *list, const char *text, uint16_t port)
{
    static const int families[] = {AF_INET, AF_INET6};
    unsigned char bytes[sizeof(struct in6_addr)];

    for (unsigned i = 0; i < sizeof(families) / sizeof(*families); i++)
        if (inet_pton(families[i], text, bytes) == 1) {
            address_add(list, families[i], bytes, port);
            return true;
        }
    return false;
}

/* One line: an address, then names, then perhaps a comment. Is `host` one of the names? */
static bool line_names(char *line, const char *host, const char **ret_address)
{
    char *rest = NULL;

    line[strcspn(line, "#\n")] = '\0';
    const char *address = strtok_r(line, " \t\r", &rest);
    if (address == NULL)
        return false;
    for (char *name; (name = strtok_r(NULL, " \t\r", &rest)) != NULL;)
        if (strcasecmp(name, host) == 0) {
            *ret_address = address;
            return true;
        }
    return false;
}

bool address_add_from_hosts(struct address_list *list, const char *path, const char *host,
                            uint16_t port)
{
    FILE *file = fopen(path, "re");
    char line[1024]; /* longer lines are read in parts: their later names are not seen */
    const char *address;
    bool found = false;

    if (file == NULL)
        return false;
    while (fgets(line, sizeof(line), file) != NULL)
        if (line_names(line, host, &address) && address_add_text(list, address, port))
            found = true;
    fclose(file);
    return found;
}

socklen_t address_length(const union address *address)
{
    return address->any.sa_family == AF_INET ? sizeof(address->v4) : sizeof(address->v6);
}
