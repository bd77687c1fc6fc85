# file: daemon/link_connection.c
# a session that is sent away from a shared connection comes back over it
s/link->alone = message->alone;/link->alone = false;/
