# file: wormhole/mailbox_recovery.c
# older mailboxes behind the nameplate are not looked at again
s/^    if \(!is_lower\(session\) \|\| is_known\(session, mailbox\)\)/    if (mailbox != NULL)/
