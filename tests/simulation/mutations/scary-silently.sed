# file: wormhole/visit_steps.c
# a session with a wrong code leaves nothing that tells the peer
# unit: test-session
s/session->result == RESULT_SCARY/false/
