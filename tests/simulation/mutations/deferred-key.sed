# file: wormhole/session_attributes.def
# the key that was agreed on need not be durable before our version leaves
/^SESSION_DEFERRED\(14,/,/\)$/s/was->state == SESSION_KEYED && is->state == SESSION_ESTABLISHED/true/
s/is->peer_side == NULL/true/
s/^SESSION_DEFERRED\(1, change, NONE, true\)/&\nSESSION_DEFERRED(28, key, LATER, true)\nSESSION_DEFERRED(29, verifier, LATER, true)\nSESSION_DEFERRED(26, scalar, LATER, true)\nSESSION_DEFERRED(32, peer_side, LATER, true)/
