# file: tests/doubles/memory_data.c
# who has closed may still add
# unit: test-relay-memory
/^enum relay_result memory_data_add/,/^}/s/!seat->active/!seat->taken/
