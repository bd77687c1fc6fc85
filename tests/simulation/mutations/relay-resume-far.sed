# file: relay/rules_commands.c
# a replay begins one message behind the place that was asked for
s/^        client->seen = task->command.after;/&\n        client->seen.number++;/
