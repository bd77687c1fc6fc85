# file: tests/doubles/memory_data.c
# who closes keeps the claim on the nameplate
# unit: test-relay-memory
/^void memory_data_close/,/^}/s/if \(nameplate->mailbox == mailbox\)/if (!nameplate->mailbox)/
