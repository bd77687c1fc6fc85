# file: wormhole/session.c
# a message is sealed anew each time
s/^    keys_seal\(key, row, row/    uint8_t fresh[KEYS_NONCE_BYTES];\n    randombytes_buf(fresh, sizeof fresh);\n    keys_seal(key, fresh, row/
