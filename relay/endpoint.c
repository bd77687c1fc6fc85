#include "config.h"

#include "relay/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Connections that the kernel keeps for us while we are busy; it may keep fewer. */
#define BACKLOG 4096

static const char blanks[] = " \t";

/* ---- text ---- */

static bool parse_port(const char *text, in_port_t *ret_port)
{
    size_t length = strlen(text);
    if (length == 0 || length > 5 || strspn(text, "0123456789") != length)
        return false;
    unsigned long port = strtoul(text, NULL, 10);
    if (port > UINT16_MAX)
        return false;
    *ret_port = htons((uint16_t)port);
    return true;
}

bool endpoint_parse(const char *text, union address *ret_endpoint)
{
    char host[INET6_ADDRSTRLEN];
    union address made = {{0}};
    bool v6 = *text == '[';
    const char *start = v6 ? text + 1 : text;
    const char *end = v6 ? strchr(text, ']') : strrchr(text, ':');
    if (end == NULL || (size_t)(end - start) >= sizeof(host) || (v6 && end[1] != ':'))
        return false;
    memcpy(host, start, (size_t)(end - start));
    host[end - start] = 0;
    made.any.sa_family = v6 ? AF_INET6 : AF_INET;
    bool parsed = v6 ? inet_pton(AF_INET6, host, &made.v6.sin6_addr) == 1 &&
                           parse_port(end + 2, &made.v6.sin6_port)
                     : inet_pton(AF_INET, host, &made.v4.sin_addr) == 1 &&
                           parse_port(end + 1, &made.v4.sin_port);
    if (parsed)
        *ret_endpoint = made;
    return parsed;
}

/* True if [::1] can be listened on. */
static bool has_v6_loopback(void)
{
    const struct sockaddr_in6 address = {.sin6_family = AF_INET6,
                                         .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
    if (fd >= 0)
        close(fd);
    return has;
}

/* Adds what one word stands for. */
static bool add_word(struct address_list *list, const char *word)
{
    static const char localhost[] = "localhost:";
    const char *port = strrchr(word, ':');
    char text[ENDPOINT_TEXT_SIZE];
    bool local = strncmp(word, localhost, sizeof(localhost) - 1) == 0;
    if (port == NULL || list->count == ADDRESS_MAX)
        return false;
    if (port != word && !local)
        return endpoint_parse(word, &list->items[list->count++]);
    if (strlen(port) > sizeof(":65535") - 1)
        return false;
    snprintf(text, sizeof(text), "%s%.6s", local ? "127.0.0.1" : "[::]", port);
    if (!endpoint_parse(text, &list->items[list->count++]))
        return false;
    if (!local || list->count == ADDRESS_MAX || !has_v6_loopback())
        return true;
    snprintf(text, sizeof(text), "[::1]%.6s", port);
    return endpoint_parse(text, &list->items[list->count++]);
}

bool endpoints_parse(const char *text, struct address_list *ret_endpoints)
{
    struct address_list made = {0};
    for (text += strspn(text, blanks); *text; text += strspn(text, blanks)) {
        char one[ENDPOINT_TEXT_SIZE];
        size_t length = strcspn(text, blanks);
        if (length >= sizeof(one))
            return false;
        memcpy(one, text, length);
        one[length] = 0;
        if (!add_word(&made, one))
            return false;
        text += length;
    }
    if (made.count > 0)
        *ret_endpoints = made;
    return made.count > 0;
}

void endpoint_text(const union address *endpoint, char ret_text[ENDPOINT_TEXT_SIZE])
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (endpoint->any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &endpoint->v6.sin6_addr, host, sizeof(host));
        snprintf(ret_text, ENDPOINT_TEXT_SIZE, "[%s]:%u", host, ntohs(endpoint->v6.sin6_port));
    } else if (endpoint->any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &endpoint->v4.sin_addr, host, sizeof(host));
        snprintf(ret_text, ENDPOINT_TEXT_SIZE, "%s:%u", host, ntohs(endpoint->v4.sin_port));
    } else {
        snprintf(ret_text, ENDPOINT_TEXT_SIZE, "a socket");
    }
}

/* ---- sockets ---- */

static bool bind_and_listen(int fd, const union address *endpoint)
{
    static const int yes = 1, no = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0)
        return false;
    if (endpoint->any.sa_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no)) < 0)
        return false;
    return bind(fd, &endpoint->any, address_length(endpoint)) == 0 && listen(fd, BACKLOG) == 0;
}

int endpoint_listen(const union address *endpoint, char *ret_why, size_t size)
{
    int fd = socket(endpoint->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind_and_listen(fd, endpoint))
        return fd;
    bool without_v6 = errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL;
    if (endpoint->any.sa_family == AF_INET6 && without_v6 &&
        IN6_IS_ADDR_UNSPECIFIED(&endpoint->v6.sin6_addr)) {
        const union address all = {
            .v4 = {.sin_family = AF_INET, .sin_port = endpoint->v6.sin6_port}};
        if (fd >= 0)
            close(fd);
        return endpoint_listen(&all, ret_why, size);
    }
    char text[ENDPOINT_TEXT_SIZE];
    endpoint_text(endpoint, text);
    snprintf(ret_why, size, "cannot listen at %s: %s", text, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

void endpoint_of_socket(int fd, char ret_text[ENDPOINT_TEXT_SIZE])
{
    union address endpoint = {{0}};
    socklen_t length = sizeof(endpoint);
    if (getsockname(fd, &endpoint.any, &length) < 0)
        endpoint.any.sa_family = AF_UNSPEC;
    endpoint_text(&endpoint, ret_text);
}

bool endpoint_of_peer(int fd, union address *ret_endpoint)
{
    union address endpoint = {{0}};
    socklen_t length = sizeof(endpoint);
    if (getpeername(fd, &endpoint.any, &length) < 0)
        return false;
    *ret_endpoint = endpoint;
    return true;
}

void endpoint_host(const union address *endpoint, char ret_text[INET6_ADDRSTRLEN])
{
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)&endpoint->any)->sin6_addr;
    ret_text[0] = 0;
    if (endpoint->any.sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)&endpoint->any)->sin_addr, ret_text,
                  INET6_ADDRSTRLEN);
    else if (endpoint->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(v6))
        inet_ntop(AF_INET, v6->s6_addr + 12, ret_text, INET6_ADDRSTRLEN);
    else if (endpoint->any.sa_family == AF_INET6)
        inet_ntop(AF_INET6, v6, ret_text, INET6_ADDRSTRLEN);
}

bool endpoint_of_host(const char *text, const char *port, union address *ret_endpoint)
{
    char whole[ENDPOINT_TEXT_SIZE];
    in_port_t ignored;
    if (strlen(text) >= INET6_ADDRSTRLEN)
        return false;
    snprintf(whole, sizeof(whole), strchr(text, ':') != NULL ? "[%s]:%s" : "%s:%s", text,
             parse_port(port, &ignored) ? port : "0");
    return endpoint_parse(whole, ret_endpoint);
}

unsigned endpoint_port(const union address *endpoint)
{
    if (endpoint->any.sa_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)&endpoint->any)->sin_port);
    if (endpoint->any.sa_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&endpoint->any)->sin6_port);
    return 0;
}
