# file: wormhole/ending.c
# the key outlives the session
/sodium_memzero\(session->key/d
