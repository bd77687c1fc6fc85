#include "config.h"

#include "state/export.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

#define TEXT_VERSION 1

/* The text, piece by piece. In every version it begins with the first piece and the version
 * number. */
#define FORMAT     "wormholed-session"
#define HEAD       "{\"format\": \"" FORMAT "\", \"version\": "
#define SESSION    "1, \"session\": \""
#define RECORD     "\", \"record\": \""
#define CHECK      "\", \"check\": \""
#define TAIL       "\"}"
#define ID_AT      (sizeof(HEAD SESSION) - 1)
#define RECORD_AT  (ID_AT + SESSION_ID_TEXT - 1 + sizeof(RECORD) - 1)
#define CHECK_TEXT (2 * crypto_hash_sha256_BYTES + 1)
#define BASE64     sodium_base64_VARIANT_ORIGINAL

_Static_assert(sodium_base64_ENCODED_LEN(SESSION_RECORD_MAX, BASE64) + RECORD_AT + CHECK_TEXT +
                       sizeof(CHECK TAIL) <=
                   EXPORT_MAX,
               "the longest record fits");

static const char *const fault_texts[EXPORT_FAULTS] = {
    [EXPORT_OK] = "the text is an exported session",
    [EXPORT_FOREIGN] = "the text is no exported session",
    [EXPORT_NEWER] = "the text was exported by a newer wormholed",
    [EXPORT_ALTERED] = "the text was altered: it is not as it was exported",
    [EXPORT_IMPORTED] = "the session is or was here already",
    [EXPORT_EXPIRED] = "the session's deadline has passed",
    [EXPORT_MEMORY] = "out of memory",
};

const char *export_fault_text(enum export_fault fault)
{
    return fault_texts[fault];
}

/* ---- writing ---- */

static void write_check(const uint8_t *id, const struct kv_record *record,
                        char ret_text[CHECK_TEXT])
{
    static const uint8_t version = TEXT_VERSION;
    uint8_t check[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;

    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const uint8_t *)FORMAT, sizeof(FORMAT) - 1);
    crypto_hash_sha256_update(&state, &version, 1);
    crypto_hash_sha256_update(&state, id, SESSION_ID_BYTES);
    crypto_hash_sha256_update(&state, record->data, record->length);
    crypto_hash_sha256_final(&state, check);
    sodium_memzero(&state, sizeof(state));
    sodium_bin2hex(ret_text, CHECK_TEXT, check, sizeof(check));
}

/* New; export_free_text(). NULL when out of memory. */
static char *write_text(const uint8_t *id, const struct kv_record *record)
{
    size_t base64 = sodium_base64_ENCODED_LEN(record->length, BASE64);
    char *text = malloc(RECORD_AT + base64 + CHECK_TEXT + sizeof(CHECK TAIL));
    char *at = text;
    if (text == NULL)
        return NULL;
    at = stpcpy(at, HEAD SESSION);
    session_id_text(id, at);
    at = stpcpy(at + SESSION_ID_TEXT - 1, RECORD);
    sodium_bin2base64(at, base64, record->data, record->length, BASE64);
    at = stpcpy(at + base64 - 1, CHECK);
    write_check(id, record, at);
    strcpy(at + CHECK_TEXT - 1, TAIL);
    return text;
}

void export_free_text(char *text)
{
    if (text != NULL)
        sodium_memzero(text, strlen(text));
    free(text);
}

/* ---- what a session must look like ---- */

/* A member of the session, by what an exported text may say of it: session_attributes.def. */
struct exported_member {
    enum { MEMBER_ANY, MEMBER_EMPTY, MEMBER_TEXT, MEMBER_TIME } rule;
    bool pointer; /* to a text, which is not part of the struct itself */
    size_t offset, size;
};

#define TYPE_STRING   true
#define TYPE_TEXT     false
#define TYPE_BYTES    false
#define TYPE_SIGNED   false
#define TYPE_UNSIGNED false
#define TYPE_COUNT    false
#define TYPE_BOOL     false
#define TYPE_RULES    false
#define TYPE_JOURNAL  false

static const struct exported_member members[] = {
#define SESSION_STORED(tag, type, required, least, limit, member, exported)                        \
    {MEMBER_##exported, TYPE_##type, offsetof(struct session, member),                             \
     sizeof(((struct session *)NULL)->member)},
#include "wormhole/session_attributes.def"
};

static bool members_sound(const struct session *session)
{
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        const struct exported_member *member = &members[i];
        const void *place = (const char *)session + member->offset;
        const char *text;
        int64_t time;

        switch (member->rule) {
        case MEMBER_EMPTY:
            if (!sodium_is_zero(place, member->size))
                return false;
            break;
        case MEMBER_TEXT: /* it goes into JSON or onto a terminal */
            text = member->pointer ? *(char *const *)place : place;
            if (text != NULL && (!utf8_valid(text, strlen(text)) || utf8_has_control(text)))
                return false;
            break;
        case MEMBER_TIME: /* far from where sums of times would overflow */
            time = *(const int64_t *)place;
            if (time < 0 || time > INT64_MAX / 4)
                return false;
            break;
        case MEMBER_ANY:
            break;
        }
    }
    return true;
}

/* As EVENT_EXPORT leaves it. */
static bool exportable(const struct session *session)
{
    return session->state == SESSION_EXPORTED && session->exports > 0 && session->timeout > 0 &&
           session->timeout <= SCHEDULE_TIME_MAX &&
           (session->mailbox != NULL || session->nameplate != NAMEPLATE_RELEASED) &&
           members_sound(session) && session_sound(session);
}

enum export_fault export_write(const struct session *session, char **ret_text)
{
    struct session copy = *session;
    struct kv_record record;
    if (!exportable(session))
        return EXPORT_ALTERED;
    copy.change = 0; /* the store increases it whenever it likes */
    enum kv_status status = session_record_encode(&copy, &record);
    sodium_memzero(&copy, sizeof(copy));
    if (status != KV_OK)
        return status == KV_MEMORY ? EXPORT_MEMORY : EXPORT_ALTERED;
    char *text = write_text(session->id, &record);
    kv_record_clear(&record);
    if (text == NULL)
        return EXPORT_MEMORY;
    *ret_text = text;
    return EXPORT_OK;
}

/* ---- reading ---- */

/* What is known of a text while it is read; `text` has no blanks around it. */
struct export_reading {
    const char *text;
    size_t length;
    uint8_t id[SESSION_ID_BYTES];
    struct kv_record record;
};

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static enum export_fault read_head(const struct export_reading *reading)
{
    if (reading->length > EXPORT_MAX || reading->length < sizeof(HEAD) - 1 ||
        memcmp(reading->text, HEAD, sizeof(HEAD) - 1) != 0)
        return EXPORT_FOREIGN;
    /* A version of one digit is followed by a comma; 1 is ours, and there was none before it. */
    const char *version = reading->text + sizeof(HEAD) - 1;
    size_t left = reading->length - (sizeof(HEAD) - 1), digits = 0;
    while (digits < left && version[digits] >= '0' && version[digits] <= '9')
        digits++;
    if (digits == 0 || digits == left || version[digits] != ',' || version[0] == '0')
        return EXPORT_ALTERED;
    return digits == 1 && version[0] - '0' == TEXT_VERSION ? EXPORT_OK : EXPORT_NEWER;
}

/* The id and the record, from where they must be. */
static enum export_fault read_parts(struct export_reading *reading)
{
    if (reading->length < RECORD_AT ||
        sodium_hex2bin(reading->id, SESSION_ID_BYTES, reading->text + ID_AT, SESSION_ID_TEXT - 1,
                       NULL, NULL, NULL) != 0)
        return EXPORT_ALTERED;
    const char *base64 = reading->text + RECORD_AT;
    const char *end = memchr(base64, '"', reading->length - RECORD_AT);
    if (end == NULL)
        return EXPORT_ALTERED;
    /* Characters that are not base64 still leave something to be wiped. */
    size_t length = (size_t)(end - base64), bytes;
    reading->record = (struct kv_record){.data = calloc(length + 1, 1), .length = length};
    if (reading->record.data == NULL)
        return EXPORT_MEMORY;
    if (sodium_base642bin(reading->record.data, length, base64, length, NULL, &bytes, NULL,
                          BASE64) != 0)
        return EXPORT_ALTERED;
    reading->record.length = bytes;
    return EXPORT_OK;
}

/* Checks that this id and this record are written in exactly this way. */
static enum export_fault compare(const struct export_reading *reading)
{
    char *again = write_text(reading->id, &reading->record);
    if (again == NULL)
        return EXPORT_MEMORY;
    bool same = strlen(again) == reading->length &&
                sodium_memcmp(again, reading->text, reading->length) == 0;
    export_free_text(again);
    return same ? EXPORT_OK : EXPORT_ALTERED;
}

static enum export_fault read_session(const struct export_reading *reading,
                                      struct session **ret_session)
{
    struct session *session;
    enum kv_status status =
        session_record_decode(reading->id, reading->record.data, reading->record.length, &session);
    if (status != KV_OK)
        return status == KV_MEMORY ? EXPORT_MEMORY : EXPORT_ALTERED;
    if (!exportable(session)) {
        session_free(session);
        return EXPORT_ALTERED;
    }
    session->state = SESSION_WAITING;
    session->wake = session->created;
    session->change = 0;
    *ret_session = session;
    return EXPORT_OK;
}

enum export_fault export_read(const char *text, size_t length, struct session **ret_session)
{
    while (length > 0 && blank(text[length - 1]))
        length--;
    while (length > 0 && blank(*text)) {
        text++;
        length--;
    }
    struct export_reading reading = {.text = text, .length = length};
    enum export_fault fault = read_head(&reading);
    if (fault == EXPORT_OK)
        fault = read_parts(&reading);
    if (fault == EXPORT_OK)
        fault = compare(&reading);
    if (fault == EXPORT_OK)
        fault = read_session(&reading, ret_session);
    kv_record_clear(&reading.record);
    return fault;
}

enum export_fault export_judge(const struct session *session, const struct session *stored,
                               uint32_t imported, int64_t now)
{
    if (now >= session_deadline(session))
        return EXPORT_EXPIRED;
    if (imported >= session->exports)
        return EXPORT_IMPORTED;
    if (stored != NULL && (stored->state != SESSION_EXPORTED || stored->exports > session->exports))
        return EXPORT_IMPORTED;
    return EXPORT_OK;
}
