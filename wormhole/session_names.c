/* The words for a session's states, as people and programs see them. */
#include "config.h"

#include "wormhole/session.h"

#include <sodium.h>

static const char *const states[SESSION_STATES] = {
    [SESSION_ALLOCATING] = "allocating", [SESSION_WAITING] = "waiting",
    [SESSION_KEYED] = "keyed",           [SESSION_ESTABLISHED] = "established",
    [SESSION_CLOSING] = "closing",       [SESSION_CLOSED] = "closed",
    [SESSION_EXPORTED] = "exported",
};

static const char *const results[SESSION_RESULTS] = {
    [RESULT_HAPPY] = "happy",   [RESULT_LONELY] = "lonely",   [RESULT_SCARY] = "scary",
    [RESULT_ERRORY] = "errory", [RESULT_CROWDED] = "crowded",
};

static const char *const nameplates[NAMEPLATE_STATES] = {
    [NAMEPLATE_NONE] = "none",
    [NAMEPLATE_CLAIMED] = "claimed",
    [NAMEPLATE_RELEASED] = "released",
};

static const char *const verifications[VERIFICATIONS] = {
    [VERIFICATION_NONE] = "none",
    [VERIFICATION_PENDING] = "pending",
    [VERIFICATION_DONE] = "done",
};

static const char *const connections[] = {
    [CONNECTION_NONE] = "none",
    [CONNECTION_CONNECTING] = "connecting",
    [CONNECTION_VISITING] = "visiting",
    [CONNECTION_HELD] = "held",
};

static const char *const refusals[] = {
    [SESSION_ACCEPTED] = "accepted",
    [SESSION_REFUSED_CLOSED] = "the session has ended or is ending",
    [SESSION_REFUSED_TOO_LARGE] = "the message is larger than 16 MiB",
    [SESSION_REFUSED_FULL] = "the session has sent as much as one session may; begin a new one",
    [SESSION_REFUSED_NUMBER] = "no message with this number has been received",
    [SESSION_REFUSED_NOT_KEYED] = "nobody has used the code yet: there is no verifier",
    [SESSION_REFUSED_UNVERIFIED] =
        "compare the verifiers with the other side, and say first that they agree",
    [SESSION_REFUSED_EXPORT] =
        ("only a session that has its code, but has neither seen the other side "
         "nor taken a message, can be handed over"),
};

const char *session_state_name(enum session_state state)
{
    return states[state];
}

const char *session_result_name(enum session_result result)
{
    return results[result];
}

const char *nameplate_state_name(enum nameplate_state state)
{
    return nameplates[state];
}

const char *verification_name(enum verification verification)
{
    return verifications[verification];
}

const char *session_connection_name(enum session_connection connection)
{
    return connections[connection];
}

const char *session_refusal_text(enum session_refusal refusal)
{
    return refusals[refusal];
}

void session_id_text(const uint8_t id[SESSION_ID_BYTES], char ret_text[SESSION_ID_TEXT])
{
    sodium_bin2hex(ret_text, SESSION_ID_TEXT, id, SESSION_ID_BYTES);
}
