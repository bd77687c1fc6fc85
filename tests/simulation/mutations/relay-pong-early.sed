# file: relay/rules_tasks.c
# a ping is answered before what was asked for earlier is done
/^static bool may_begin/,/^}/s/if \(!client->asked\)/if (!client->asked || task->command.type == RELAY_COMMAND_PING)/
