# file: wormhole/session.c
# a session whose time is over goes on
s/now >= session_deadline\(session\)\)$/now < 0)/
