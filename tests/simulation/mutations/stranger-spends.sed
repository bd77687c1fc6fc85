# file: wormhole/mailbox_recovery.c
# a stranger on a forgotten nameplate spends the code
# unit: test-mailbox-recovery
s/if \(!session->displaced \|\|/if (true ||/
