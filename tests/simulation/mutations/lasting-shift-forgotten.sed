# file: wormhole/session.c
# messages have the same numbers in every mailbox
/^static void name_row/,/^}/s/session->visit == NULL \?/true ?/
