# file: wormhole/exported.c
# an exported session goes on in the old daemon
s/^    session->state = SESSION_EXPORTED;/    session->failures = 0;/
