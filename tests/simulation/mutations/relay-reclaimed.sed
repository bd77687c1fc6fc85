# file: tests/doubles/memory_data.c
# a nameplate can be claimed again after it was released
# unit: test-relay-memory
s/if \(claimed \&\& claimed->taken \&\& !claimed->active\)/if (!nameplate->mailbox)/
