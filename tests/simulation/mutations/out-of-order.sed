# file: wormhole/peer_message.c
# a message that arrives ahead of its turn counts as the next one
/^static void count_received/,/^}/s/if \(ahead > 0\)/if (ahead > SESSION_AHEAD_MAX)/
