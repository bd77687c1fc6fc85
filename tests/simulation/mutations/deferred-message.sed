# file: daemon/turn.c
# a message that was received joins the next commit, and is gone
s/^    request->may_wait &= .*//
