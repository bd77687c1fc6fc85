# file: wormhole/cursor.c
# what is before the cursor does not count as wear of a lasting session's place
# unit: test-cursor
s/visit->bytes = visit->bytes_before = session->cursor_bytes;//
