/*
 * When the relay has forgotten the mailbox. Whatever is lacking is added again; but while the peer
 * is not proven there is more to it. A peer who has seen our pake comes back to the mailbox, one
 * who has not claims the nameplate, and finds a new mailbox. We cannot know which, so we look at
 * both places in turn, until the peer is proven.
 *
 * The peer may do likewise; then the two must decide for the same mailbox. So the lower side leaves
 * its version wherever it looks, and the other one nowhere until it has seen that: where it saw it
 * first is the mailbox from then on. There it leaves its own, by which the lower side knows. If
 * the relay has forgotten that one too meanwhile, the lower side must come by again: it looks also
 * at the last ones that it found behind the nameplate.
 */
#include "config.h"

#include "wormhole/visit.h"
#include "wormhole/wire.h"

#include <stdlib.h>
#include <string.h>

static unsigned count_places(const struct session *session)
{
    unsigned count = 0;
    while (count < SESSION_PLACES && session->places[count] != NULL)
        count++;
    return count;
}

/* Behind the nameplate (there is places[0]) every other time, and between that at our own mailbox
 * and the older places in turn. */
static void look_at_next(struct session *session)
{
    unsigned count = count_places(session);
    if (session->reclaim_nameplate)
        session->look = session->look + 1 < count ? session->look + 1 : 0;
    session->reclaim_nameplate = !session->reclaim_nameplate;
}

void mailbox_recovery_notice(struct session *session)
{
    const struct visit *visit = session->visit;
    bool lacking = session->pake_stored && !visit->pake_seen && !visit->elsewhere;
    if (lacking || visit->forgotten)
        session->heals++;
    if (session->state != SESSION_KEYED)
        return;
    session->mailbox_lost |= lacking || !visit->peer_seen;
    if (session->mailbox_lost)
        look_at_next(session);
}

static bool is_lower(const struct session *session)
{
    return strcmp(session->side, session->peer_side) < 0;
}

static bool is_known(const struct session *session, const char *mailbox)
{
    for (unsigned i = 0; i < count_places(session); i++)
        if (strcmp(session->places[i], mailbox) == 0)
            return true;
    return strcmp(session->mailbox, mailbox) == 0;
}

void mailbox_recovery_remember(struct step *step, const char *mailbox)
{
    struct session *session = step->session;
    if (!is_lower(session) || is_known(session, mailbox))
        return;
    free(session->places[SESSION_PLACES - 1]);
    memmove(&session->places[1], &session->places[0],
            (SESSION_PLACES - 1) * sizeof(session->places[0]));
    session->places[0] = NULL;
    step_set_text(step, &session->places[0], mailbox, WIRE_NAME_MAX);
}

const char *mailbox_recovery_mailbox(const struct session *session)
{
    const char *place = session->places[session->look];
    return session->look == 0 || place == NULL ? session->mailbox : place;
}

bool mailbox_recovery_may_add_version(const struct session *session)
{
    return !session->mailbox_lost || is_lower(session);
}

void mailbox_recovery_found(struct step *step)
{
    struct session *session = step->session;
    session->visit->peer_seen = true;
    if (session->visit->elsewhere)
        step_set_text(step, &session->mailbox, session->visit->mailbox, WIRE_NAME_MAX);
    session->visit->elsewhere = session->visit->reclaim_nameplate = false;
    session->mailbox_lost = session->reclaim_nameplate = false;
    session->look = 0;
    for (int i = 0; i < SESSION_PLACES; i++)
        step_set_text(step, &session->places[i], NULL, 0);
}
