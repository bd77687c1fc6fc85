# file: wormhole/cursor.c
# a mailbox to which the peer has not come back is taken for one in which it is
# unit: test-cursor
s/\(session->visit->derived && !lasting_met\(session\)\)/true/
