# file: wormhole/visit_steps.c
# messages that were given to the relay count as never given
s/^    if \(session->fresh > session->sent - visit->next\)/    if (false)/
