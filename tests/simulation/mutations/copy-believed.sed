# file: wormhole/copies.c
# what others said in a session's name counts as its own
# unit: test-copies
s/(return|:) COPIES_NOT_OURS;/\1 COPIES_OURS;/
s/: verdict\(has_nonce/: verdict(true || has_nonce/
