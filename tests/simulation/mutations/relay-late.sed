# file: tests/doubles/memory_data.c
# mailboxes never expire
s/>= data->limits.retention\)/>= INT64_MAX)/
