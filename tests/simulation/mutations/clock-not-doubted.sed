# file: base/clock_watch.c
# a clock that leaps is believed at once
s/^    if \(leapt \|\|/    if ((leapt \&\& wall < 0) ||/
