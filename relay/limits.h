/* What the settings mean for the parts of the relay. */
#ifndef RELAY_LIMITS_H
#define RELAY_LIMITS_H

#include "relay/rules.h"
#include "relay/server.h"
#include "relay/settings.h"
#include "relay/store.h"

/* Strings are borrowed from the settings. */
struct rules_settings limits_of_rules(const struct settings *settings);
struct relay_limits limits_of_store(const struct settings *settings);
struct server_settings limits_of_server(const struct settings *settings);

#endif
