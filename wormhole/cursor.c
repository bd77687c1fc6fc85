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
 * A lasting session has one for each of the places that it visits: that of the newest epoch, and
 * the old one. When it moves, the former becomes the latter.
 *
 * A session with several relays has these of one of them, that which was visited last.
 *
 * What this version ignores in a mailbox a later one may need: the cursor of another version is not
 * used. Nor is one by a store that was found to be a copy, which must look at everything that was
 * said in its name.
 */
#include "config.h"

#include "wormhole/visit.h"
#include "wormhole/wire.h"

#include <stdlib.h>
#include <string.h>

/* The peer is in this mailbox; or it is that of an epoch in which it was not met yet. That it was,
 * and is not, shows that the relay forgot the mailbox: it must not be closed before the peer has
 * come back. */
static bool peer_is_known(const struct session *session)
{
    return session->visit->peer_seen || (session->visit->derived && !lasting_met(session));
}

/* Where there are several relays, any of them may be the one that has stored it. */
static bool all_stored(const struct session *session)
{
    return session->stored == session->sent &&
           (!session_routed(session) || session->delivered == session->sent);
}

/* Nothing of the peer's was turned away, and nothing of ours is missing. (To the old place no
 * messages are added.) That the peer has moved, or has other routes for us, is to be seen again
 * until it is followed. */
static bool all_dealt_with(const struct session *session)
{
    const struct visit *visit = session->visit;
    return session->state == SESSION_ESTABLISHED && session->peer_versions != NULL &&
           !session->mailbox_lost && !session->inbox_full && !session->copied &&
           peer_is_known(session) && !visit->peer_moved && !visit->list_waits &&
           !visit->in_fallback && !visit->incomplete && visit->foreign == 0 &&
           visit->ignored == 0 && visit->pake_seen && visit->version_seen &&
           (visit->old || all_stored(session)) && (session->receipts == 0 || visit->receipt_seen);
}

static void forget(char **position)
{
    free(*position);
    *position = NULL;
}

static bool is_ours(const struct session *session)
{
    return session->cursor_version != NULL && strcmp(session->cursor_version, PACKAGE_VERSION) == 0;
}

void cursor_note(struct step *step, const char *position)
{
    struct session *session = step->session;
    if (position == NULL || !all_dealt_with(session))
        return;
    if (!is_ours(session))
        forget(session->visit->old ? &session->cursor : &session->old_cursor);
    step_set_text(step, &session->cursor_version, PACKAGE_VERSION, CURSOR_VERSION_MAX);
    if (session->visit->old) {
        step_set_text(step, &session->old_cursor, position, WIRE_POSITION_MAX);
        session->old_cursor_receipts = session->receipts;
        session->old_cursor_route = session->visit->route;
    } else {
        step_set_text(step, &session->cursor, position, WIRE_POSITION_MAX);
        session->cursor_stored = session->stored;
        session->cursor_receipts = session->receipts;
        session->cursor_bytes = session->visit->bytes;
        session->cursor_route = session->visit->route;
    }
}

void cursor_move(struct session *session)
{
    cursor_retire(session);
    session->old_cursor = session->cursor;
    session->old_cursor_receipts = session->cursor_receipts;
    session->old_cursor_route = session->cursor_route;
    session->cursor = NULL;
}

void cursor_retire(struct session *session)
{
    forget(&session->old_cursor);
}

static uint32_t receipts_before(const struct session *session)
{
    return session->visit->old ? session->old_cursor_receipts : session->cursor_receipts;
}

const char *cursor_after(const struct session *session)
{
    const struct visit *visit = session->visit;
    const char *cursor = visit->old ? session->old_cursor : session->cursor;
    if (cursor == NULL || session->copied || !is_ours(session) || !session_keyed(session) ||
        (!visit->old && session->cursor_stored > session->sent) ||
        receipts_before(session) > session->receipts || visit->in_fallback ||
        visit->route != (visit->old ? session->old_cursor_route : session->cursor_route))
        return "";
    return cursor;
}

void cursor_resume(struct session *session)
{
    struct visit *visit = session->visit;
    if (!visit->resumes)
        return;
    visit->resumes = false;
    visit->pake_seen = visit->version_seen = true;
    visit->peer_seen = !visit->derived || visit->old || lasting_met(session);
    visit->peer_stated = lasting_met(session);
    visit->receipt_seen = session->receipts > 0 && session->receipts == receipts_before(session);
    if (visit->old)
        return;
    if (visit->base < session->cursor_stored)
        visit->base = visit->next = session->cursor_stored;
    visit->bytes = visit->bytes_before = session->cursor_bytes;
}
