/*
 * The cursor: a place in the mailbox up to which everything was dealt with, so that a relay that
 * can (doc/relay-extensions.md, `resume`) replays only what came behind it. The relay's token
 * proves that what is before the place is what it was; otherwise the replay is whole.
 *
 * With it is kept what a whole replay would show of ours: how many messages, and that our newest
 * receipt then is there. What was dealt with since stands behind the cursor, and comes again. So
 * the cursor may be older than the rest of the session, as after a crash; but it must never be
 * newer.
 *
 * A lasting session has more than one mailbox, each with little in it, and uses no cursor.
 *
 * What this version ignores in a mailbox a later one may need: the cursor of another version is not
 * used. Nor is one by a store that was found to be a copy, which must look at everything that was
 * said in its name.
 */
#include "config.h"

#include "wormhole/visit.h"
#include "wormhole/wire.h"

#include <string.h>

/* Nothing of the peer's was turned away, and nothing of ours is missing. */
static bool all_dealt_with(const struct session *session)
{
    const struct visit *visit = session->visit;
    return session->state == SESSION_ESTABLISHED && !session_lasting(session) &&
           session->peer_versions != NULL && !session->mailbox_lost && !session->inbox_full &&
           !session->copied && visit->peer_seen && !visit->in_fallback && !visit->incomplete &&
           visit->foreign == 0 && visit->ignored == 0 && session->pake_stored &&
           session->version_stored && session->stored == session->sent &&
           (session->receipts == 0 || session->receipt_stored);
}

void cursor_note(struct step *step, const char *position)
{
    struct session *session = step->session;
    if (position == NULL || !all_dealt_with(session))
        return;
    step_set_text(step, &session->cursor, position, WIRE_POSITION_MAX);
    step_set_text(step, &session->cursor_version, PACKAGE_VERSION, CURSOR_VERSION_MAX);
    session->cursor_stored = session->stored;
    session->cursor_receipts = session->receipts;
}

const char *cursor_after(const struct session *session, const char *mailbox)
{
    if (session->cursor == NULL || session->cursor_version == NULL || session->copied ||
        session->cursor_stored > session->sent || session->cursor_receipts > session->receipts ||
        !session_keyed(session) || session_lasting(session) ||
        strcmp(session->cursor_version, PACKAGE_VERSION) != 0 ||
        strcmp(session->mailbox, mailbox) != 0)
        return "";
    return session->cursor;
}

void cursor_resume(struct session *session)
{
    struct visit *visit = session->visit;
    if (!visit->resumes)
        return;
    visit->resumes = false;
    visit->peer_seen = visit->pake_seen = visit->version_seen = true;
    visit->receipt_seen = session->receipts > 0 && session->receipts == session->cursor_receipts;
    visit->base = visit->next = session->cursor_stored;
}
