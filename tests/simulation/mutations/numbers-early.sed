# file: wormhole/visit_steps.c
# messages leave before the peer is proven
s/session->state == SESSION_ESTABLISHED \|\| session->flush/session_keyed(session)/
