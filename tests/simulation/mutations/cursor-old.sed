# file: wormhole/cursor.c
# the old place of a lasting session is fetched at every visit
# unit: test-cursor
s/visit->old \? session->old_cursor : session->cursor/visit->old ? NULL : session->cursor/
