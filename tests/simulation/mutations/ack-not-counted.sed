# file: wormhole/commands.c
# an acknowledgement is answered and forgotten
s/^    session->acked = number \+ 1;/    session->acked += 0 * number;/
