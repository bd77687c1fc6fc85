# file: daemon/turn.c
# a user is answered while what was asked for is deferred
s/request->may_wait = request->done == NULL;/request->may_wait = true;/
