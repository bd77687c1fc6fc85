# file: wormhole/visit_steps.c
# the mailbox is closed before the nameplate is released
/^void visit_release/,/^}/s/NAMEPLATE_CLAIMED && !visit->derived\)/NAMEPLATE_CLAIMED \&\& session->mailbox == NULL)/
