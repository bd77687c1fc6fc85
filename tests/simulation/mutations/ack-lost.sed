# file: wormhole/commands.c
# an acknowledged message stays in the store
/step_write\(step, WRITE_INBOX_FORGET/d
