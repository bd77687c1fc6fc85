# file: wormhole/visit_steps.c
# a session that finds a wrong code does not leave its version for the peer
# unit: test-session
s/session->result == RESULT_SCARY/false/
