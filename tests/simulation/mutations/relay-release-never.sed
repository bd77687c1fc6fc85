# file: tests/doubles/memory_data.c
# a nameplate is kept after both sides have released it
/^static void release_seat/,/^}/s/if \(!anybody_active\(nameplate->seats\)\)/if (!nameplate->seats[0].taken)/
