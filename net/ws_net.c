#include "config.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/ws_parts.h"

void ws_options_default(struct ws_options *ret_options)
{
    *ret_options = (struct ws_options){
        .message_max = WS_MESSAGE_MAX,
        .connect_timeout = 15000,
        .handshake_timeout = 15000,
        /* Many home routers forget a connection that is silent for five minutes, some after two. */
        .ping_interval = 60000,
        .ping_timeout = 30000,
        .close_timeout = 5000,
    };
}

/* ---- OpenSSL begins ---- */

static bool starved; /* memory was short for OpenSSL */

static void *watched_malloc(size_t size, const char *file, int line)
{
    void *memory = malloc(size);
    (void)file;
    (void)line;
    starved |= memory == NULL;
    return memory;
}

static void *plain_realloc(void *memory, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return realloc(memory, size);
}

static void plain_free(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    free(memory);
}

/*
 * OpenSSL 3.0 sets itself up when it is first used. If memory is short just then it says nothing,
 * and crashes at the next call; so that is now, not in the middle of something, and watched.
 */
static bool openssl_begins(void)
{
    uint8_t digest[SHA_DIGEST_LENGTH];

    /* Refused, and not needed, from the second time on. */
    CRYPTO_set_mem_functions(watched_malloc, plain_realloc, plain_free);
    starved = false;
    return OSSL_LIB_CTX_set0_default(NULL) != NULL && !starved && SHA1(digest, 0, digest) != NULL &&
           !starved;
}

/* ---- what connections share ---- */

struct ws_net *ws_net_new(struct event_base *base, const char *cafile, char *ret_why, size_t size)
{
    struct ws_net *net = calloc(1, sizeof(*net));

    if (net != NULL)
        net->base = base;
    if (net == NULL || sodium_init() < 0 || !openssl_begins() || !ws_output_begin(net) ||
        (net->resolver = resolver_new(base)) == NULL) {
        snprintf(ret_why, size, "out of memory");
        ws_net_free(net);
        return NULL;
    }
    if (cafile != NULL && (net->tls = tls_context_new(cafile, ret_why, size)) == NULL) {
        ws_net_free(net);
        return NULL;
    }
    return net;
}

SSL_CTX *ws_net_tls(struct ws_net *net, char *ret_why, size_t size)
{
    if (net->tls == NULL)
        net->tls = tls_context_new(NULL, ret_why, size);
    return net->tls;
}

void ws_net_free(struct ws_net *net)
{
    if (net == NULL)
        return;
    ws_output_end(net);
    resolver_free(net->resolver);
    SSL_CTX_free(net->tls);
    free(net);
}
