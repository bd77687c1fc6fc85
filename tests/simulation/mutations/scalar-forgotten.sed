# file: wormhole/session_attributes.def
# our half of the key exchange is not stored
/^SESSION_STORED\(26,/d
