# file: wormhole/lost.c
# two who have lost the mailbox each decide for themselves
# unit: test-lost
s/return !session->mailbox_lost \|\| is_lower\(session\);/return true;/
