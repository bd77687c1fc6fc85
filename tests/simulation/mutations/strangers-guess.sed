# file: wormhole/mailbox_recovery.c
# strangers may guess the code as often as they like
# unit: test-mailbox-recovery
s/session->strangers >= STRANGERS_MAX/false/
