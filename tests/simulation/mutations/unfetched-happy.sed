# file: wormhole/closing.c
# who ends by the deadline says that all went well, while the peer has not fetched everything
/^static bool is_unfetched/,/^}/s/return .*/return false \&\&/
