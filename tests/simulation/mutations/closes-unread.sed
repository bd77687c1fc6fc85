# file: wormhole/visit_steps.c
# a mailbox that the relay had forgotten is closed before the peer has come back
# unit: test-session
s/\(session->flush && session->sent > session->delivered/(false/
