# file: wormhole/copies.c
# messages that others added under the session's side count as its own
# unit: test-copies
s/(return|:) COPIES_NOT_OURS;/\1 COPIES_OURS;/
s/: verdict\(has_nonce/: verdict(true || has_nonce/
