# file: wormhole/visit_steps.c
# messages are added before it is known what the mailbox holds
s/^    ping\(step, VISIT_REPLAYING\);/    step->session->visit->stage = VISIT_REPLAYING;\n    visit_fenced(step);/
