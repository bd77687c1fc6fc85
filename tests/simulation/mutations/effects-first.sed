# file: daemon/turn.c
# effects leave before the commit
s/^(    enum kv_status status = )commit\(turns\);/    for (struct request *early = turns->batch.first; early != NULL; early = early->next) {\n        release_effects(turns, early);\n        early->outcome.effect_count = 0;\n    }\n\1commit(turns);/
