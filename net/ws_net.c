#include "config.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/ws_parts.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define HOSTS       "/etc/hosts"

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

struct ws_net *ws_net_new(struct event_base *base, const char *cafile, char *ret_why, size_t size)
{
    struct ws_net *net = calloc(1, sizeof *net);

    if (net != NULL)
        net->base = base;
    if (net == NULL || sodium_init() < 0 || !ws_output_begin(net) ||
        (net->resolver = resolver_new(base, RESOLV_CONF, HOSTS)) == NULL) {
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
