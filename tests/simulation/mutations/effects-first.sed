# file: daemon/turn_batch.c
# effects are released before the commit
s/^    batch->written = !turn_deferred_suffices/    for (struct group_op *early = batch->first; early != NULL; early = early->next) {\n        release_effects(turns, (struct turn_request *)early);\n        ((struct turn_request *)early)->outcome.effect_count = 0;\n    }\n&/
