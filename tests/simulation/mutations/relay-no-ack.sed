# file: relay/rules.c
# nothing is acknowledged
/^void rules_receive/,/^}/s/if \(command_has_type\(&task->command\)\)/if (length == 0)/
