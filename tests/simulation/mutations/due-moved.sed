# file: wormhole/visit.c
# the row in the table of due sessions moves when a visit begins, not when it ends
s/^    step->session->visit = visit;/&\n    step->session->wake = INT64_MAX;/
