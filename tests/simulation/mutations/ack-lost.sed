# file: wormhole/commands.c
# an acknowledged message is not deleted from the store
/step_write\(step, WRITE_INBOX_FORGET/d
