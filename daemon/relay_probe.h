/* A look at a relay, step by step: its name, each of its addresses, TLS, the WebSocket. */
#ifndef DAEMON_RELAY_PROBE_H
#define DAEMON_RELAY_PROBE_H

struct settings;

/* Reports (diagnose_say()) about the default relay of the settings, reached as they say. Takes some
 * twenty seconds at most. */
void relay_probe(const struct settings *settings);

#endif
