# file: wormhole/visit_steps.c
# a session that knows its mailbox does not claim the nameplate again
s/return !session_keyed\(session\) && session->nameplate != NAMEPLATE_RELEASED;/return session->mailbox == NULL;/
