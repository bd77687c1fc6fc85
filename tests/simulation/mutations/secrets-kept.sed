# file: wormhole/closing.c
# the key outlives the session
/sodium_memzero\(session->key/d
