# file: daemon/turn_deferred.c
# what is deferred is never written
s/^    if \(turns->store_pause != 0\)/    if (turns != NULL)/
