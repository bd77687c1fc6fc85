# file: wormhole/session.c
# a message is sealed with a new nonce each time that it is added
s/^    keys_seal\(key, row, row/    uint8_t fresh[KEYS_NONCE_BYTES];\n    randombytes_buf(fresh, sizeof fresh);\n    keys_seal(key, fresh, row/
