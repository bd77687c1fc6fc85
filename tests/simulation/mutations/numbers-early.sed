# file: wormhole/visit_steps.c
# application messages are added before the peer is proven
/^static bool may_add_numbers/,/^}/s/session->state == SESSION_ESTABLISHED &&/session_keyed(session) \&\&/
