# file: wormhole/visit_steps.c
# what was given to the relay counts as kept back
s/^    if \(session->fresh > session->sent - visit->next\)/    if (false)/
