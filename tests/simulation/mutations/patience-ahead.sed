# file: wormhole/session.c
# a session that was closed while the clock was ahead tries to tell the relay until then
# unit: test-session
s/^( *)session->ended = now;/\1(void)now;/
