# file: wormhole/peer_message.c
# a message that comes ahead is counted as the next
/^static void count_received/,/^}/s/if \(ahead > 0\)/if (ahead > SESSION_AHEAD_MAX)/
