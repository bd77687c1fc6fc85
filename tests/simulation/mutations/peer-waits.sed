# file: wormhole/closing.c
# a stock client is not told that a transfer was abandoned
# unit: test-verification
s/return silent \&\&/return false \&\&/
