/* The settings of wormhole-relayd, and their table. */
#ifndef RELAY_SETTINGS_H
#define RELAY_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/endpoint.h"
#include "relay/relay_connection.h"
#include "relay/rules.h"
#include "relay/store_open.h"
#include "service/log.h"
#include "service/options.h"

struct relay_settings {
    struct address_list listen;
    struct address_list metrics; /* one, or none */
    char *store;                 /* directory */
    uint64_t max_store_size;     /* bytes; 0: only the disk limits it */
    int64_t retention;           /* ms */
    char *tls_cert, *tls_key; /* PEM files; NULL: no TLS, or the key is in the certificate's file */
    char *motd, *error;       /* or NULL */
    char *version;            /* of clients, to recommend; or NULL */
    bool no_list;
    bool any_nameplate;
    unsigned hashcash_bits; /* 0: none */
    uint64_t max_message;   /* bytes */
    uint64_t max_mailbox_bytes;
    unsigned max_mailbox_messages;
    unsigned max_connections;
    unsigned max_channels;    /* of a shared connection; 0: connections are not shared */
    int64_t client_timeout;   /* ms */
    unsigned max_per_address; /* connections; 0: no limit, as for the next five */
    unsigned allocations;     /* per minute and address */
    unsigned claims;
    unsigned handshakes;
    uint64_t work;           /* bytes a second and address */
    uint64_t stored;         /* bytes an hour and address */
    char *origins, *proxies; /* separated by blanks, or NULL */
    bool ration_loopback;
    bool log_addresses;
    char *usage_log;    /* file, or NULL */
    int64_t blur_usage; /* ms */
    bool sandbox;       /* enter it */
    enum log_level log_level;
    char *config_file; /* that was read, or NULL */
    struct settings_origin origin;
};

/* The command line of wormhole-relayd. */
extern const struct options_info relay_settings_options;

/* Sets the defaults, then applies all sources over them. False with all mistakes in ret_why
 * (of `size` bytes; see options_apply()). relay_settings_clear() in any case. May be called again,
 * to read everything anew. */
bool relay_settings_read(const struct service_options *options, struct relay_settings *ret_settings,
                         char *ret_why, size_t size);

/* Frees what it holds. A zeroed struct is fine. */
void relay_settings_clear(struct relay_settings *settings);

/* What the settings mean for each part of the relay. Strings are borrowed from the settings. */
struct rules_settings relay_settings_for_rules(const struct relay_settings *settings);
struct relay_store_options relay_settings_for_store(const struct relay_settings *settings);
struct relay_connection_settings
relay_settings_for_connections(const struct relay_settings *settings);

#endif
