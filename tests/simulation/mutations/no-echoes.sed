# file: wormhole/visit_steps.c
# echoes are not waited for
/^static bool echoes_pending/,/^}/{
s/^    return /    return visit->stage == VISIT_STAGES \&\& (/
s/;$/);/
}
