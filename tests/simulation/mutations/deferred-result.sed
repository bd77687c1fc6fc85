# file: wormhole/session_attributes.def
# the result need not be durable before the relay is told
/^SESSION_DEFERRED\(14,/,/\)$/s/was->state == SESSION_KEYED && is->state == SESSION_ESTABLISHED/true/
s/^SESSION_DEFERRED\(18, flush, LATER, !is->flush\)/SESSION_DEFERRED(18, flush, LATER, true)/
s/^SESSION_DEFERRED\(1, change, NONE, true\)/&\nSESSION_DEFERRED(15, result, LATER, true)\nSESSION_DEFERRED(16, reason, LATER, true)\nSESSION_DEFERRED(17, ended, LATER, true)/
