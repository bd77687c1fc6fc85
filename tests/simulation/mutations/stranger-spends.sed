# file: wormhole/mailbox_recovery.c
# a stranger on a forgotten nameplate ends the session
# unit: test-mailbox-recovery
s/if \(!session->displaced \|\|/if (true ||/
