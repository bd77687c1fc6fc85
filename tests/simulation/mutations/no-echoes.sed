# file: wormhole/visit_steps.c
# a visit does not wait for the echoes of what it added
/^static bool echoes_pending/,/^}/{
s/^    return /    return visit->stage == VISIT_STAGES \&\& (/
s/;$/);/
}
