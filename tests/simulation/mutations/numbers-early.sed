# file: wormhole/visit_steps.c
# application messages are added before the peer is proven
s/session->state == SESSION_ESTABLISHED \|\| session->flush/session_keyed(session)/
