# file: wormhole/visit_steps.c
# a visit does not wait for the echoes of what it added
# unit: test-receipts
/^static bool echoes_pending/,/^}/s/if \(session->copied\)/if (true)/
