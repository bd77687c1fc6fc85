# file: wormhole/visit_steps.c
# messages that the relay once held are not added again after it forgot them
/^void visit_fenced/,/^}/s/session->stored = visit->base;/visit->next = session->stored;/
