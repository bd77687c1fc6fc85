# file: wormhole/receipt.c
# a receipt of what was never sent is believed
# unit: test-copies
s/if \(delivered > session->sent - session->fresh\)/if (false)/
