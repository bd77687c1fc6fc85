#include "config.h"

#include "relay/relay_limits.h"

#include <inttypes.h>
#include <stdio.h>

#include "relay/relay_command.h"
#include "relay/relay_intake.h"

enum unit { UNIT_NUMBER, UNIT_BYTES, UNIT_SECONDS };

/* 0: none, where there may be none. */
static void print(const char *name, uint64_t value, enum unit unit, const char *why)
{
    char text[32];
    if (value == 0)
        snprintf(text, sizeof(text), "none");
    else if (unit == UNIT_BYTES && value % (1 << 20) == 0)
        snprintf(text, sizeof(text), "%" PRIu64 "M", value >> 20);
    else if (unit == UNIT_BYTES && value % (1 << 10) == 0)
        snprintf(text, sizeof(text), "%" PRIu64 "K", value >> 10);
    else
        snprintf(text, sizeof(text), "%" PRIu64 "%s", value, unit == UNIT_SECONDS ? "s" : "");
    printf("%-28s %8s  %s\n", name, text, why);
}

void relay_limits_print(const struct relay_settings *settings)
{
    const struct relay_connection_settings all = relay_settings_for_connections(settings);
    const struct rate_limits *rates = &all.rate_limits;

    puts("Of all clients together:");
    print("max-connections", settings->max_connections, UNIT_NUMBER,
          "descriptors, and memory; when full, who has not bound makes way");
    print("unfinished input", INTAKE_SMALL_MAX, UNIT_BYTES,
          "of messages up to 20K and handshakes; the oldest makes way");
    print("large messages", INTAKE_LARGE_MAX + settings->max_message, UNIT_BYTES,
          "on their way in, or waiting for the disk; more are not read");
    print("output", RELAY_BACKLOG_ALL_MAX, UNIT_BYTES,
          "that waits to be read; the address with most loses a connection");
    print("max-store-size", settings->max_store_size, UNIT_BYTES,
          "disk; nearly full, what the heaviest addresses alone have makes way");

    puts("\nOf each address (IPv6: network of 64 bits; 4 times as much for 56, 16 times for 48):");
    print("max-connections-per-address", settings->max_per_address, UNIT_NUMBER,
          "nobody takes all places");
    print("allocations-per-minute", settings->allocations, UNIT_NUMBER, "nobody takes all numbers");
    print("claims-per-minute", settings->claims, UNIT_NUMBER, "guessing disturbs those who wait");
    print("opens per minute", rates->per_minute[RULES_RATE_OPEN], UNIT_NUMBER,
          "each may make a mailbox");
    print("messages per minute", rates->per_minute[RULES_RATE_ADD], UNIT_NUMBER,
          "each is a write to the disk");
    print("lists per minute", rates->per_minute[RULES_RATE_LIST], UNIT_NUMBER,
          "each walks over all nameplates");
    print("handshakes-per-minute", settings->handshakes, UNIT_NUMBER,
          "of TLS: each takes the processor a millisecond, before a word is said");
    print("work-per-second", settings->work, UNIT_BYTES,
          "of messages, in and out, and 16K for each: the processor; more has to wait");
    print("stored-per-hour", settings->stored, UNIT_BYTES,
          "disk; of messages, and 1K for each, for each allocation, claim and open");

    puts("\nOf each client:");
    print("before bind", INTAKE_UNBOUND_MAX, UNIT_BYTES, "a stranger has nothing more to say");
    print("max-message", settings->max_message, UNIT_BYTES, "memory; refused by its first bytes");
    print("around a body", RELAY_COMMAND_REST_MAX, UNIT_BYTES, "JSON takes time to read");
    print("max-channels", settings->max_channels, UNIT_NUMBER, "memory");
    print("time for a handshake", RELAY_HANDSHAKE_MS / 1000, UNIT_SECONDS,
          "of TLS, and of the WebSocket; at most four times that on a slow line");
    print("time to bind", RELAY_UNBOUND_MS / 1000, UNIT_SECONDS, "enough for a hashcash stamp");
    print("client-timeout", (uint64_t)settings->client_timeout / 1000, UNIT_SECONDS,
          "who gives no sign of life has gone");
    print("message stalls", INTAKE_SLOW_MS / 1000, UNIT_SECONDS,
          "time for the next 15K of it; 1s for 64K while others wait");

    puts("\nOf each mailbox:");
    print("max-mailbox-bytes", settings->max_mailbox_bytes, UNIT_BYTES, "disk");
    print("max-mailbox-messages", settings->max_mailbox_messages, UNIT_NUMBER, "disk");
    print("retention", (uint64_t)settings->retention / 1000, UNIT_SECONDS, "after its last visit");
    print("unused nameplate", RELAY_UNUSED_LIFE / 1000, UNIT_SECONDS,
          "one side came, and no message");
}
