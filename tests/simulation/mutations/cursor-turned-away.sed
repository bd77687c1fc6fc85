# file: wormhole/cursor.c
# a message for which the inbox had no room counts as dealt with, and is not replayed
# unit: test-cursor
s/ && !session->inbox_full/ \&\& (true || !session->inbox_full)/
