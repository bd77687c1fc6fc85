# file: wormhole/peer.c
# a third side is listened to
s/session_keyed\(session\) && strcmp\(message->side, session->peer_side\) != 0/session_keyed(session) \&\& message->side == NULL/
