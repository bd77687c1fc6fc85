# file: relay/rules.c
# a ping is answered before earlier commands are done
/^static bool may_begin/,/^}/s/if \(client->begun == NULL\)/if (client->begun == NULL || task->command.type == RELAY_COMMAND_PING)/
