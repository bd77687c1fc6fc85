# file: wormhole/session_attributes.def
# that a message was given to the relay need not be durable before it is
s/^SESSION_DEFERRED\(1, change, NONE, true\)/&\nSESSION_DEFERRED(65, fresh, LATER, true)/
