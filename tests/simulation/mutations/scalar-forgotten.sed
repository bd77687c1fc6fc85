# file: wormhole/session_attributes.def
# our secret of the key exchange is not stored
/^SESSION_STORED\(26,/d
