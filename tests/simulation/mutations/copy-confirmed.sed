# file: wormhole/receipt.c
# a receipt for messages that were never sent is believed
# unit: test-copies
s/if \(delivered > session->sent - session->fresh\)/if (false)/
