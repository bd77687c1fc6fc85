# file: tests/doubles/memory_data.c
# the nameplate is kept after both have released
/^static void release_seat/,/^}/s/if \(!anybody_active\(nameplate->seats\)\)/if (!nameplate->seats[0].taken)/
