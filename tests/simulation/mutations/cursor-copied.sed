# file: wormhole/cursor.c
# a copy does not look at all that was said in its name
# unit: test-cursor
s/ \|\| session->copied \|\|/ || (false \&\& session->copied) ||/
