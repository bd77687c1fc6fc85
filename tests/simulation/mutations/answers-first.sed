# file: daemon/turn_batch.c
# clients are answered before the commit
s/^    batch->written = !turn_deferred_suffices/    for (struct group_op *early = batch->first; early != NULL; early = early->next)\n        answer_request(turns, early);\n&/
