# file: tests/doubles/memory_data.c
# a third side is let into a mailbox, in the place of the second
s/^    return seat;/    return seat ? seat : seats + 1;/
