# file: wormhole/mailbox_recovery.c
# the older mailboxes that were found behind the nameplate are not opened again
s/^    if \(!is_lower\(session\) \|\| is_known\(session, mailbox\)\)/    if (mailbox != NULL)/
