/*
 * A session that is handed over to another daemon or machine, as one line of JSON:
 *
 *     {"format": "wormholed-session", "version": 1, "session": "<id in hex>",
 *      "record": "<base64 of its record>", "check": "<hex of a SHA-256>"}
 *
 * (on one line, with exactly these blanks). `record` is that of the session once it is
 * SESSION_EXPORTED, with all of its secrets; `check` covers format, version, id and record. It
 * reveals accidents, but does not keep anyone from making up a text, such as someone who then has
 * the secrets anyway: so whatever the record says is judged like a stranger's words.
 */
#ifndef STATE_EXPORT_H
#define STATE_EXPORT_H

#include <stddef.h>
#include <stdint.h>

#include "state/record.h"
#include "wormhole/session.h"

/* Longest text: a record of SESSION_RECORD_MAX bytes in base64, and what stands around it. */
#define EXPORT_MAX (SESSION_RECORD_MAX / 3 * 4 + 512)

enum export_fault {
    EXPORT_OK = 0,
    EXPORT_FOREIGN,  /* not such a text at all */
    EXPORT_NEWER,    /* of a later version */
    EXPORT_ALTERED,  /* not as it was written, or its contents are impossible */
    EXPORT_IMPORTED, /* the session is, or was, here already */
    EXPORT_EXPIRED,  /* its deadline has passed */
    EXPORT_MEMORY,
    EXPORT_FAULTS,
};

/* One sentence for people. Borrowed. */
const char *export_fault_text(enum export_fault fault);

/* Writes a session that is SESSION_EXPORTED. The same session gives the same text, whatever its
 * change number. *ret_text is new and secret: export_free_text(). EXPORT_MEMORY; EXPORT_ALTERED if
 * export_read() would not accept the session. */
enum export_fault export_write(const struct session *session, char **ret_text);

/* Wipes and frees. NULL is fine. */
void export_free_text(char *text);

/*
 * Reads such a text. Blanks and newlines around it do not matter; any other difference does. The
 * new session is SESSION_WAITING, long due, and its change number 0: session_resume() plans its
 * first visit here. session_free(). Tags of the record that this program does not know stay in it.
 */
enum export_fault export_read(const char *text, size_t length, struct session **ret_session);

/*
 * Whether a session that was read may continue here, so that no session ever runs twice. `stored`
 * is the session with its id in the store, or NULL; `imported` is the exports number of the newest
 * text from which it came before (store_get_import()), or 0. EXPORT_OK, EXPORT_IMPORTED or
 * EXPORT_EXPIRED. A session that was handed over here, and of which nothing newer has come back,
 * may come back.
 */
enum export_fault export_judge(const struct session *session, const struct session *stored,
                               uint32_t imported, int64_t now);

#endif
