# file: relay/rules.c
# nothing is acknowledged
/^void rules_receive/,/^}/s/if \(relay_command_has_type\(&task->command\)\)/if (length == 0)/
