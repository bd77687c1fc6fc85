# file: wormhole/session_attributes.def
# our pake is not stored
/^SESSION_STORED\(27,/d
