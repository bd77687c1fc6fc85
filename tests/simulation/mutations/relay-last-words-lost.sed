# file: relay/rules_tasks.c
# what somebody asked for who has gone is not done
# unit: test-relay-rules
/^void rules_tasks_last_words/,/^}/s/if \(counts_without_answer/if (!client \&\& counts_without_answer/
