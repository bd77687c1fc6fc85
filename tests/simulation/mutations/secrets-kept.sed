# file: wormhole/closing.c
# the key is not wiped when the session has closed
/sodium_memzero\(session->key/d
