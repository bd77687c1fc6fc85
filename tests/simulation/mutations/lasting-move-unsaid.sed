# file: wormhole/lasting.c
# an end that has moved does not say so in the old mailbox
s/receipt->moved = session->visit->old;/receipt->moved = false;/
