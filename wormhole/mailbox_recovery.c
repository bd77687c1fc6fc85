/*
 * What to do when the relay has forgotten the mailbox. Whatever is missing is added again; but
 * until the peer has proven itself, that is not enough. A peer that has seen our pake returns to
 * the mailbox; one that has not claims the nameplate, and finds a new mailbox. We cannot know which
 * it is, so we look in both places alternately, until the peer has proven itself.
 *
 * The peer may do the same; then both must settle on the same mailbox. So the lower side leaves its
 * version wherever it looks, and the other side leaves its own nowhere until it has seen that one:
 * the place where it first saw it is the mailbox from then on. There it leaves its own version,
 * which tells the lower side. If meanwhile the relay has forgotten that mailbox, too, the lower
 * side must come by again: so it also looks in the latest mailboxes that it found behind the
 * nameplate.
 */
#include "config.h"

#include "wormhole/visit.h"
#include "wormhole/wire.h"

#include <stdlib.h>
#include <string.h>

static unsigned count_fallbacks(const struct session *session)
{
    unsigned count = 0;
    while (count < SESSION_FALLBACK_MAILBOXES && session->fallback_mailboxes[count] != NULL)
        count++;
    return count;
}

/* Every other time behind the nameplate (that is fallback_mailboxes[0]); in between, alternately in
 * our own mailbox and the older places. */
static void choose_next_mailbox(struct session *session)
{
    unsigned count = count_fallbacks(session);
    if (session->reclaim_nameplate)
        session->fallback_index =
            session->fallback_index + 1 < count ? session->fallback_index + 1 : 0;
    session->reclaim_nameplate = !session->reclaim_nameplate;
}

void mailbox_recovery_notice(struct session *session)
{
    const struct visit *visit = session->visit;
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
