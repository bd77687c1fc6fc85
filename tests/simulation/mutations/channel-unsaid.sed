# file: relay/rules.c
# what is said on a channel does not name it
s/^    if \(client->channel != 0\)$/    if (0)/
