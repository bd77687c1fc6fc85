# file: wormhole/exported.c
# who was handed over goes on here, too
s/^    session->state = SESSION_EXPORTED;/    session->failures = 0;/
