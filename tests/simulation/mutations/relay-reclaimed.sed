# file: tests/doubles/memory_data.c
# a nameplate can be claimed again by a side that has released it
# unit: test-relay-memory
s/if \(claimed \&\& claimed->taken \&\& !claimed->active\)/if (!nameplate->mailbox)/
