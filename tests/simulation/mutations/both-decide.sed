# file: wormhole/mailbox_recovery.c
# of two sides that have lost the mailbox, both choose the new one
# unit: test-mailbox-recovery
s/return !session->mailbox_lost \|\| is_lower\(session\);/return true;/
