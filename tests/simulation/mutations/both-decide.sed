# file: wormhole/mailbox_recovery.c
# two who have lost the mailbox each decide for themselves
# unit: test-mailbox-recovery
s/return !session->mailbox_lost \|\| is_lower\(session\);/return true;/
