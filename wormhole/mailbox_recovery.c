/*
 * What to do when the relay has forgotten the mailbox. Whatever is missing is added again; but
 * until the peer has proven itself, that is not enough. A peer that has seen our pake returns to
 * the mailbox; one that has not claims the nameplate, and finds a new mailbox. We cannot know which
 * it is, so we look in both places in turn, until the peer has proven itself.
 *
 * The peer may do the same; then both must settle on the same mailbox. So the lower side leaves its
 * version wherever it looks, and the other side leaves its own nowhere until it has seen that one:
 * the place where it first saw it is the mailbox from then on. There it leaves its own version,
 * which tells the lower side. If meanwhile the relay has forgotten that mailbox, too, the lower
 * side must come by again: so it also looks in the latest mailboxes that it found behind the
 * nameplate.
 *
 * The relay has then also forgotten the nameplate, and may have given it to strangers. Who is in
 * the mailbox to which it leads now cannot be known before the key exchange has been tried; and
 * that is one guess of the code for whoever is there. When it fails, or nobody answers, the session
 * leaves that mailbox and waits until the nameplate is free: as another side with another secret,
 * since no secret may meet two peers. It does so only a few times, each of which a relay that lies
 * could turn into a guess.
 */
#include "config.h"

#include "wormhole/visit.h"
#include "wormhole/wire.h"

#include <stdlib.h>
#include <string.h>

/* Guesses of the code, of 65536 or more, that a relay which forgets could bring about besides the
 * one that everybody has. */
#define STRANGERS_MAX 3
/* Whoever has left a pake may come back after as long, and so many visits: a clock that leaps
 * proves nothing. */
#define SILENCE_MAX        ((int64_t)3 * 24 * 3600 * 1000)
#define SILENCE_VISITS_MAX 200

static unsigned count_fallbacks(const struct session *session)
{
    unsigned count = 0;
    while (count < SESSION_FALLBACK_MAILBOXES && session->fallback_mailboxes[count] != NULL)
        count++;
    return count;
}

/* In turn behind the nameplate (that is fallback_mailboxes[0]), in our own mailbox, and in each of
 * the older places. A place is only added where the nameplate is claimed, once in each round: so
 * none is forgotten before we have come back to it, however often the relay forgets. */
static void choose_next_mailbox(struct session *session)
{
    bool round_over = session->fallback_index + 1 >= count_fallbacks(session);
    if (session->reclaim_nameplate)
        session->fallback_index = 0;
    else if (!round_over)
        session->fallback_index++;
    session->reclaim_nameplate = !session->reclaim_nameplate && round_over;
}

void mailbox_recovery_notice(struct session *session)
{
    const struct visit *visit = session->visit;
    if (visit->old)
        return;
    bool lacking = session->pake_stored && !visit->pake_seen && !visit->in_fallback;
    if (lacking || visit->nameplate_moved)
        session->heals++;
    if (session->state != SESSION_KEYED)
        return;
    session->mailbox_lost |= lacking || !visit->peer_seen;
    if (session->mailbox_lost)
        choose_next_mailbox(session);
}

static bool is_lower(const struct session *session)
{
    return strcmp(session->side, session->peer_side) < 0;
}

static bool is_known(const struct session *session, const char *mailbox)
{
    for (unsigned i = 0; i < count_fallbacks(session); i++)
        if (strcmp(session->fallback_mailboxes[i], mailbox) == 0)
            return true;
    return strcmp(session->mailbox, mailbox) == 0;
}

void mailbox_recovery_remember(struct step *step, const char *mailbox)
{
    struct session *session = step->session;
    if (!is_lower(session) || is_known(session, mailbox))
        return;
    free(session->fallback_mailboxes[SESSION_FALLBACK_MAILBOXES - 1]);
    memmove(&session->fallback_mailboxes[1], &session->fallback_mailboxes[0],
            (SESSION_FALLBACK_MAILBOXES - 1) * sizeof(session->fallback_mailboxes[0]));
    session->fallback_mailboxes[0] = NULL;
    step_set_text(step, &session->fallback_mailboxes[0], mailbox, WIRE_NAME_MAX);
}

const char *mailbox_recovery_mailbox(const struct session *session)
{
    const char *place = session->fallback_mailboxes[session->fallback_index];
    return session->fallback_index == 0 || place == NULL ? session->mailbox : place;
}

bool mailbox_recovery_may_add_version(const struct session *session)
{
    return !session->mailbox_lost || is_lower(session);
}

void mailbox_recovery_found(struct step *step)
{
    struct session *session = step->session;
    session->visit->peer_seen = true;
    if (session->visit->in_fallback)
        step_set_text(step, &session->mailbox, session->visit->mailbox, WIRE_NAME_MAX);
    session->visit->in_fallback = session->visit->reclaim_nameplate = false;
    session->mailbox_lost = session->reclaim_nameplate = false;
    session->fallback_index = 0;
    for (int i = 0; i < SESSION_FALLBACK_MAILBOXES; i++)
        step_set_text(step, &session->fallback_mailboxes[i], NULL, 0);
}

/* ---- strangers ---- */

static void leave_to_stranger(struct step *step)
{
    const struct session *session = step->session;
    char nameplate[NAMEPLATE_MAX + 1];
    if (session->nameplate == NAMEPLATE_CLAIMED) {
        code_nameplate(session->code, nameplate);
        step_send(step, wire_encode_release(nameplate));
    }
    step_send(step, wire_encode_close(session->visit->mailbox, "scary"));
}

bool mailbox_recovery_escape(struct step *step)
{
    struct session *session = step->session;
    if (!session->displaced || session->state >= SESSION_ESTABLISHED ||
        session->strangers >= STRANGERS_MAX)
        return false;
    leave_to_stranger(step);
    mailbox_recovery_found(step); /* nothing of the past is looked for any more */
    session->strangers++;
    session->silent_visits = 0;
    session->crowded = 1;
    session_begin_anew(step);
    visit_fail(step,
               "the relay had forgotten the nameplate and given it to a stranger: the code stays "
               "good, and is tried again when the stranger has gone",
               plan_crowd_wait(step));
    return true;
}

bool mailbox_recovery_escape_silence(struct step *step)
{
    struct session *session = step->session;
    const struct visit *visit = session->visit;
    if (!session->displaced || session->state != SESSION_KEYED ||
        (!visit->peer_seen && !visit->peer_pake_seen))
        return false;
    session->silent_visits++;
    return session->silent_visits > SILENCE_VISITS_MAX &&
           step->context->now - session->last_activity >= SILENCE_MAX &&
           mailbox_recovery_escape(step);
}
