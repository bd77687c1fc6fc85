/* The answer to the offer of a text: it ends the session, whether or not a client is there to see
 * it. */
#include "config.h"

#include "wormhole/payload.h"
#include "wormhole/visit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What ends the session for the worse: why, and what the peer is told (NULL: nothing, it knows). */
static void refuse(struct step *step, const char *reason, const char *reply)
{
    struct session *session = step->session;
    /* What is held back until the verifiers were compared never leaves: the reply takes its place.
     */
    bool held = session_unverified(session);
    bool replies =
        reply != NULL && (held ? closing_abandons(step, reply)
                               : !session->copied && !session_outbox_full(session, strlen(reply)));
    if (replies && !held)
        command_queue(step, reply, strlen(reply));
    closing_begin(step, RESULT_ERRORY, replies, reason);
    if (visit_past_fence(session->visit))
        visit_settle(step);
}

static void refused_by_peer(struct step *step, const char *why)
{
    char reason[REASON_ROOM];
    snprintf(reason, sizeof(reason), "the peer refuses the text: %s", why);
    refuse(step, reason, NULL);
}

void answer_take(struct step *step, const uint8_t *plain, size_t length)
{
    static const struct closing_reasons taken = {
        .met = "the peer has received the text",
        .unverified = "the peer answered before the verifiers were compared",
        .alone = "the peer answered before it had proved to know the code",
        .answered = true,
    };
    char *why;
    switch (payload_read_answer(plain, length, &why)) {
    case PAYLOAD_ANSWER_NO_MEMORY:
        step->outcome->no_memory = true;
        break;
    case PAYLOAD_ANSWER_TAKEN:
        closing_peacefully(step, &taken);
        break;
    case PAYLOAD_ANSWER_REFUSED:
        refused_by_peer(step, why);
        break;
    case PAYLOAD_ANSWER_OFFER:
        refuse(step, "the peer wants to send something too; one side must receive",
               "{\"error\": \"both sides want to send\"}");
        break;
    case PAYLOAD_ANSWER_BAD:
        refuse(step, "the peer does not use the text transfer protocol",
               "{\"error\": \"message not understood\"}");
        break;
    case PAYLOAD_ANSWER_NONE:
        break;
    }
    free(why);
}
