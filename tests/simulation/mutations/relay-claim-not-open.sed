# file: tests/doubles/memory_data.c
# a claim does not open the mailbox
# unit: test-relay-memory
/^enum relay_result memory_data_claim/,/^}/s/^    sit\(opened, who->side\);//
