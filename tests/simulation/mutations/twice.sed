# file: wormhole/peer.c
# a message that was received is taken once more
/^static bool have_number/,/^}/s/^        return true;/        return false;/
s/number - session->received > SESSION_AHEAD_MAX/number > session->received + SESSION_AHEAD_MAX/
