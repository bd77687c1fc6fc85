/* What a step did, for the journal: the session before it is compared with the session after it. */
#include "config.h"

#include "wormhole/code.h"
#include "wormhole/visit.h"

#include <string.h>

static size_t length_of(const char *text)
{
    return text == NULL ? 0 : strlen(text);
}

struct journal_before journal_before(const struct session *session)
{
    return (struct journal_before){
        .state = session->state,
        .result = session->result,
        .verification = session->verification,
        .reason_length = length_of(session->reason),
        .has_mailbox = session->mailbox != NULL,
        .keyed = session_keyed(session),
        .lasting = session_lasting(session),
        .copied = session->copied,
        .closed_by_peer = session->closed_by_peer,
        .inbox_full = session->inbox_full,
        .past_fence = visit_past_fence(session->visit),
        .last_visit = session->last_visit,
        .failures = session->failures,
        .heals = session->heals,
        .strangers = session->strangers,
        .unexpected = session->unexpected,
        .epoch = session->epoch,
        .exports = session->exports,
        .routes_version = session->routes_version,
        .sent = session->sent,
        .stored = session->stored,
        .delivered = session->delivered,
        .read = session->read,
        .received = session->received,
        .acked = session->acked,
    };
}

void journal_note(struct step *step, enum journal_event event, uint32_t times, uint32_t number,
                  const char *text)
{
    if (!journal_add(&step->session->journal, step->context->now, event, times, number, text))
        step->outcome->no_memory = true;
}

void journal_step(struct step *step, const struct journal_before *was)
{
    const struct session *is = step->session;
    const struct session_event *event = step->event;
    /* Why the relay is not even tried. */
    bool waits = event->type == EVENT_POSTPONE && is->visit == NULL && is->state < SESSION_CLOSED &&
                 !step->elsewhere;
    const char *postponed = waits ? event->text : NULL;
    /* The answer to the offer of a text is the peer's words, which the reason may quote. */
    bool quotes = is->await_answer && (event->type == EVENT_RELAY || was->result != RESULT_NONE);
    const char *reason = quotes ? NULL : is->reason;
    char nameplate[NAMEPLATE_MAX + 1] = "";
    if (session_code(is) != NULL)
        code_nameplate(is->code, nameplate);

#define JOURNAL_BEGUN(tag, ID, name, one)
#define JOURNAL(tag, ID, name, kind, condition, times, number, text, one, many)                    \
    if (condition)                                                                                 \
        journal_note(step, JOURNAL_##ID, times, number, text);
#include "wormhole/journal.def"
}
