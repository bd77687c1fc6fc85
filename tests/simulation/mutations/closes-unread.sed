# file: wormhole/visit_steps.c
# a mailbox is closed with messages in it before the peer has come back
# unit: test-session
s/return session->flush && session->sent > session->delivered/return false/
