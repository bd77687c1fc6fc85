# file: wormhole/cursor.c
# messages count as stored that were sent after the cursor
# unit: test-cursor
s/visit->next = session->cursor_stored/visit->next = session->stored/
