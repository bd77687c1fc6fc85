# file: relay/rules.c
# nothing is acknowledged
/^void rules_take/,/^}/s/if \(wants_ack\(client, &task->command\)\)/if (length == 0)/
