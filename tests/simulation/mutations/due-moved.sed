# file: wormhole/visit.c
# the due row moves when a visit begins, not when it ends
s/^    step->session->visit = visit;/&\n    step->session->wake = INT64_MAX;/
