# file: wormhole/peer_message.c
# a message that was already received is taken once more
/^static bool has_number/,/^}/s/^        return true;/        return false;/
s/number - session->received > SESSION_AHEAD_MAX/number > session->received + SESSION_AHEAD_MAX/
