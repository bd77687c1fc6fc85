# file: wormhole/session.c
# a session that was closed while the clock was ahead is kept for as long as that, too
# unit: test-session
s/^( *)session->ended = now;/\1(void)now;/
