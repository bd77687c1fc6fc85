# file: relay/rules.c
# a listening client does not keep the mailbox from expiring
# unit: test-relay-rules
s/if \(client->listener_state >= RULES_REPLAYING\)/if (client->listener_state > RULES_LISTENING)/
