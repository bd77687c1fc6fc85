# file: wormhole/visit_steps.c
# what the relay once had is not added again
/^void visit_fenced/,/^}/s/session->stored = 0;/visit->next = session->stored;/
