# file: relay/rules.c
# what somebody asked for who has gone is not done
# unit: test-relay-rules
/^static void finish_tasks/,/^}/s/if \(counts_without_answer/if (!client \&\& counts_without_answer/
