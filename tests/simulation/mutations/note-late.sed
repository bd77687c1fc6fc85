# file: daemon/turn_batch.c
# what was planned by a clock that was ahead is noted by the time at which it is written
s/store_note_time\(batch->txn, turns->planned_by\)/store_note_time(batch->txn, now)/
