# file: tests/doubles/memory_data.c
# a third side is admitted to a mailbox in place of the second
s/^    return seat;/    return seat ? seat : seats + 1;/
