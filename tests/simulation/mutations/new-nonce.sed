# file: wormhole/session.c
# a message is sealed with a new nonce each time that it is added
s/^    return seal\(session, phase, row, row/    uint8_t fresh[KEYS_NONCE_BYTES];\n    randombytes_buf(fresh, sizeof(fresh));\n    return seal(session, phase, fresh, row/
