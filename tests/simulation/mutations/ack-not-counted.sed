# file: wormhole/commands.c
# an acknowledgement is answered, but changes nothing
s/^    session->acked = number \+ 1;/    session->acked += 0 * number;/
