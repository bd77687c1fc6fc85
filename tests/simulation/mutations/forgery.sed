# file: wormhole/peer_message.c
# a message that does not decrypt is accepted
s/^    if \(authentic\)$/    if (authentic || true)/
