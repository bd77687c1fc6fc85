# file: daemon/turn.c
# users are answered before the commit
s/^(    enum kv_status status = )commit\(turns\);/    for (struct request *early = turns->batch.first; early != NULL; early = early->next)\n        answer(early, early->answer.code);\n\1commit(turns);/
