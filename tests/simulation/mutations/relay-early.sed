# file: tests/doubles/memory_data.c
# mailboxes expire too early
s/>= data->limits.retention\)/>= data->limits.retention \/ 100)/
