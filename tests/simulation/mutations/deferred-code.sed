# file: wormhole/session_attributes.def
# the code need not be durable before the claim leaves
/^SESSION_DEFERRED\(14,/,/\)$/s/was->state == SESSION_KEYED && is->state == SESSION_ESTABLISHED/true/
s/is->nameplate == NAMEPLATE_RELEASED/true/
s/^SESSION_DEFERRED\(1, change, NONE, true\)/&\nSESSION_DEFERRED(19, code, LATER, true)\nSESSION_DEFERRED(26, scalar, LATER, true)\nSESSION_DEFERRED(27, pake, LATER, true)/
