# file: wormhole/visit.c
# a third side that was never admitted comes back
# unit: test-session
s/session_alive\(session\) && session->mailbox == NULL\) \{/false) {/
