# file: tests/doubles/memory_data.c
# the close of a mailbox leaves the claim on its nameplate
# unit: test-relay-memory
/^void memory_data_close/,/^}/s/if \(nameplate->mailbox == mailbox\)/if (!nameplate->mailbox)/
