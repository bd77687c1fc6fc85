# file: tests/doubles/memory_data.c
# a side that has closed a mailbox can still add to it
# unit: test-relay-memory
/^enum relay_result memory_data_add/,/^}/s/!seat->active/!seat->taken/
