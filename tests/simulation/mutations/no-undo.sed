# file: daemon/turn.c
# after a failed commit memory keeps what the disk has not
s/^    undo\(turns\);/    turn_forget_touched(turns);/
