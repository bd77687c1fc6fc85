/* What wormhole-relayd --limits prints. */
#ifndef RELAY_RELAY_LIMITS_H
#define RELAY_RELAY_LIMITS_H

#include "relay/relay_settings.h"

/* Prints the limits that these settings bring about, and those that are fixed, a line each: name,
 * value, reason. */
void relay_limits_print(const struct relay_settings *settings);

#endif
