# file: wormhole/visit.c
# a third side that was never admitted comes back
# unit: test-session
/^static void on_crowded/,/^}/s/if \(session_alive\(session\) && session->mailbox == NULL && /if (false \&\& /
