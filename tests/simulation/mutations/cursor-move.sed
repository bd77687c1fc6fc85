# file: wormhole/cursor.c
# that the peer has moved counts as dealt with before it is followed
# unit: test-cursor
s/ && !visit->peer_moved//
