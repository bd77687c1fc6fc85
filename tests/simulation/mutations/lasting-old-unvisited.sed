# file: wormhole/lasting.c
# the mailbox of the old epoch is not visited any more
s/session->turn_old = !visit->old && is_set\(session->old_root\);/session->turn_old = false;/
