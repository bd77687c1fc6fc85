/* What the settings mean for the parts of the relay. */
#ifndef RELAY_LIMITS_H
#define RELAY_LIMITS_H

#include "relay/rules.h"
#include "relay/relay_server.h"
#include "relay/relay_settings.h"
#include "relay/store.h"

/* Strings are borrowed from the settings. */
struct rules_settings limits_of_rules(const struct relay_settings *settings);
struct relay_limits limits_of_store(const struct relay_settings *settings);
struct relay_server_settings limits_of_server(const struct relay_settings *settings);

#endif
