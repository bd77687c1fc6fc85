# file: wormhole/visit_steps.c
# who knows a mailbox does not claim the nameplate again
s/return !session_keyed\(session\) && session->nameplate != NAMEPLATE_RELEASED;/return session->mailbox == NULL;/
