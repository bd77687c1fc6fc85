# file: relay/rules.c
# commands of a client that has disconnected are not carried out
# unit: test-relay-rules
/^static void finish_tasks/,/^}/s/if \(counts_without_answer/if (!client \&\& counts_without_answer/
