# file: wormhole/session.c
# a session that was closed while the clock was ahead does not give up before that time
# unit: test-session
s/^( *)session->ended = now;/\1(void)now;/
