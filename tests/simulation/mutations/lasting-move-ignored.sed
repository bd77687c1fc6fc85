# file: wormhole/lasting.c
# an end does not follow its peer into the next epoch
s/session->visit->peer_moved \|= receipt->moved;//
