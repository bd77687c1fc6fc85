#include "config.h"

#include "wormhole/journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "wormhole/session.h"

/* ---- the table ---- */

enum kind { DAILY = 0, STORY };

static const struct event_row {
    const char *name;
    enum kind kind;
    const char *one, *many;
} rows[JOURNAL_EVENTS] = {
#define JOURNAL(tag, ID, name, kind, condition, times, number, text, one, many)                    \
    [tag] = {name, kind, one, many},
#include "wormhole/journal.def"
};

/* NULL: this version does not know it. */
static const struct event_row *row_of(uint32_t event)
{
    return event < JOURNAL_EVENTS && rows[event].name != NULL ? &rows[event] : NULL;
}

const char *journal_event_name(uint32_t event)
{
    const struct event_row *row = row_of(event);
    return row != NULL ? row->name : "unknown";
}

static bool is_story(uint32_t event)
{
    const struct event_row *row = row_of(event);
    return row != NULL && row->kind == STORY;
}

/* ---- as stored: how many were dropped; then for each entry its event, the first time, how much
 * later the last one was, times, number, length of the text, text. Numbers have seven bits in each
 * byte, the lowest first; the highest bit says that more follow ---- */

#define NUMBER_MAX 10 /* bytes of 64 bits */

static size_t write_number(uint64_t number, uint8_t *ret_bytes)
{
    size_t length = 0;
    for (; number >= 0x80; number >>= 7)
        ret_bytes[length++] = (uint8_t)(number | 0x80);
    ret_bytes[length++] = (uint8_t)number;
    return length;
}

static bool read_number(struct journal_reader *reader, uint64_t limit, uint64_t *ret_number)
{
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 7 * NUMBER_MAX && reader->at < reader->end; shift += 7) {
        uint8_t byte = *reader->at++;
        number |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *ret_number = number;
            return number <= limit;
        }
    }
    return false;
}

#define HEAD_MAX ((size_t)6 * NUMBER_MAX)

/* All of it but the text. */
static size_t write_head(const struct journal_entry *entry, uint8_t ret_bytes[HEAD_MAX])
{
    uint8_t *at = ret_bytes;
    at += write_number(entry->event, at);
    at += write_number((uint64_t)entry->first, at);
    at += write_number((uint64_t)(entry->last - entry->first), at);
    at += write_number(entry->times, at);
    at += write_number(entry->number, at);
    at += write_number(entry->text_length, at);
    return (size_t)(at - ret_bytes);
}

static size_t write_entry(const struct journal_entry *entry, uint8_t *ret_bytes)
{
    size_t head = write_head(entry, ret_bytes);
    if (entry->text_length > 0)
        memcpy(ret_bytes + head, entry->text, entry->text_length);
    return head + entry->text_length;
}

static size_t measure_entry(const struct journal_entry *entry)
{
    uint8_t head[HEAD_MAX];
    return write_head(entry, head) + entry->text_length;
}

/* An exported text was written by somebody else: what it says is checked like any stranger's. */
static bool is_clean(const char *text, size_t length)
{
    uint32_t character;
    for (size_t size; length > 0; text += size, length -= size) {
        size = utf8_character(text, length, &character);
        if (size == 0 || utf8_is_control(character))
            return false;
    }
    return true;
}

static bool read_entry(struct journal_reader *reader, struct journal_entry *ret_entry)
{
    uint64_t event, first, later, times, number, length;
    if (!read_number(reader, UINT32_MAX, &event) || !read_number(reader, INT64_MAX, &first) ||
        !read_number(reader, INT64_MAX - first, &later) ||
        !read_number(reader, UINT32_MAX, &times) || !read_number(reader, UINT32_MAX, &number) ||
        !read_number(reader, (uint64_t)(reader->end - reader->at), &length) ||
        length > (size_t)(reader->end - reader->at) || !is_clean((const char *)reader->at, length))
        return false;
    *ret_entry = (struct journal_entry){.event = (uint32_t)event,
                                        .first = (int64_t)first,
                                        .last = (int64_t)(first + later),
                                        .times = (uint32_t)times,
                                        .number = (uint32_t)number,
                                        .text = (const char *)reader->at,
                                        .text_length = length};
    reader->at += length;
    return true;
}

uint32_t journal_read(const struct journal *journal, struct journal_reader *ret_reader)
{
    struct journal_reader reader = {journal->bytes, journal->bytes + journal->length};
    uint64_t dropped = 0;
    if (journal->length > 0 && !read_number(&reader, UINT32_MAX, &dropped))
        reader.at = reader.end;
    *ret_reader = reader;
    return reader.at == reader.end ? 0 : (uint32_t)dropped;
}

bool journal_next(struct journal_reader *reader, struct journal_entry *ret_entry)
{
    if (reader->at == reader->end)
        return false;
    if (read_entry(reader, ret_entry))
        return true;
    reader->at = reader->end;
    return false;
}

/* ---- adding ---- */

struct entries {
    uint32_t dropped;
    unsigned count;
    struct journal_entry list[JOURNAL_ENTRIES_MAX];
};

/* The oldest that is no step of the story, or else the oldest; not the newest, which is what people
 * look for. */
static void drop_one(struct entries *entries)
{
    unsigned index = 0;
    while (index + 1 < entries->count && is_story(entries->list[index].event))
        index++;
    if (index + 1 == entries->count)
        index = 0;
    entries->count--;
    memmove(&entries->list[index], &entries->list[index + 1],
            (entries->count - index) * sizeof(entries->list[0]));
    entries->dropped += entries->dropped < UINT32_MAX;
}

static void append(struct entries *entries, const struct journal_entry *entry)
{
    if (entries->count == JOURNAL_ENTRIES_MAX)
        drop_one(entries);
    entries->list[entries->count++] = *entry;
}

/* The entry of this event that goes on; NULL: it needs a new one. */
static struct journal_entry *find_same(struct entries *entries, const struct journal_entry *entry)
{
    for (unsigned i = entries->count; i-- > 0;) {
        struct journal_entry *found = &entries->list[i];
        bool newest = i + 1 == entries->count;
        if (found->event == entry->event)
            return newest || entry->last - found->first < JOURNAL_SPAN ? found : NULL;
        if (is_story(found->event) || is_story(entry->event))
            return NULL;
    }
    return NULL;
}

static void merge(struct entries *entries, const struct journal_entry *entry)
{
    struct journal_entry *same = find_same(entries, entry);
    if (same == NULL) {
        append(entries, entry);
        return;
    }
    same->times = entry->times > UINT32_MAX - same->times ? UINT32_MAX : same->times + entry->times;
    same->number = entry->number;
    same->text = entry->text;
    same->text_length = entry->text_length;
    if (same->last < entry->last) /* the clock may have been set back */
        same->last = entry->last;
}

static size_t measure(const struct entries *entries)
{
    uint8_t number[NUMBER_MAX];
    size_t length = write_number(entries->dropped, number);
    for (unsigned i = 0; i < entries->count; i++)
        length += measure_entry(&entries->list[i]);
    return length;
}

static bool replace(struct journal *journal, const struct entries *entries)
{
    uint8_t *bytes = malloc(measure(entries));
    if (bytes == NULL)
        return false;
    size_t length = write_number(entries->dropped, bytes);
    for (unsigned i = 0; i < entries->count; i++)
        length += write_entry(&entries->list[i], bytes + length);
    free(journal->bytes); /* the texts of old entries were there */
    *journal = (struct journal){bytes, length};
    return true;
}

bool journal_add(struct journal *journal, int64_t now, enum journal_event event, uint32_t times,
                 uint32_t number, const char *text)
{
    char clean[JOURNAL_TEXT_MAX + 1] = "";
    struct entries entries = {.count = 0};
    struct journal_reader reader;
    struct journal_entry entry;
    if (text != NULL)
        utf8_clean(text, "", clean, sizeof(clean));
    entries.dropped = journal_read(journal, &reader);
    while (journal_next(&reader, &entry))
        append(&entries, &entry);
    entry = (struct journal_entry){.event = event,
                                   .first = now < 0 ? 0 : now,
                                   .last = now < 0 ? 0 : now,
                                   .times = times,
                                   .number = number,
                                   .text = clean,
                                   .text_length = strlen(clean)};
    merge(&entries, &entry);
    while (measure(&entries) > JOURNAL_BYTES_MAX)
        drop_one(&entries);
    return replace(journal, &entries);
}

bool journal_in_trouble(const struct journal *journal)
{
    int64_t trouble = -1, back = -1;
    struct journal_reader reader;
    struct journal_entry entry;
    journal_read(journal, &reader);
    while (journal_next(&reader, &entry)) {
        if (entry.event == JOURNAL_TROUBLE)
            trouble = entry.last;
        if (entry.event == JOURNAL_BACK)
            back = entry.last;
    }
    return trouble >= 0 && trouble >= back;
}

/* ---- sentences ---- */

struct sentence {
    char *text;
    size_t length;
};

static void add(struct sentence *sentence, const char *text, size_t length)
{
    size_t room = JOURNAL_SENTENCE_MAX - 1 - sentence->length;
    if (length > room)
        length = room;
    memcpy(sentence->text + sentence->length, text, length);
    sentence->length += length;
    sentence->text[sentence->length] = '\0';
}

static void add_number(struct sentence *sentence, uint32_t number)
{
    char text[16];
    snprintf(text, sizeof(text), "%" PRIu32, number);
    add(sentence, text, strlen(text));
}

static void add_times(struct sentence *sentence, const struct journal_entry *entry)
{
    add_number(sentence, entry->times);
}

static void add_newest(struct sentence *sentence, const struct journal_entry *entry)
{
    add_number(sentence, entry->number);
}

static void add_result(struct sentence *sentence, const struct journal_entry *entry)
{
    const char *name = entry->number > RESULT_NONE && entry->number < SESSION_RESULTS
                           ? session_result_name((enum session_result)entry->number)
                           : "unknown";
    add(sentence, name, strlen(name));
}

static void add_text(struct sentence *sentence, const struct journal_entry *entry)
{
    static const char separator[] = ": ";
    size_t length = entry->text_length;
    if (length > JOURNAL_TEXT_MAX)
        length = utf8_span(entry->text, JOURNAL_TEXT_MAX);
    if (length > 0)
        add(sentence, entry->text, length);
    else
        sentence->text[sentence->length -= strlen(separator)] = '\0';
}

static const struct placeholder {
    const char *name;
    void (*add)(struct sentence *sentence, const struct journal_entry *entry);
} placeholders[] = {
    {"{times}", add_times},
    {"{number}", add_newest},
    {"{result}", add_result},
    {"{text}", add_text},
};

/* Returns how much of the template it dealt with. */
static size_t add_piece(struct sentence *sentence, const char *template,
                        const struct journal_entry *entry)
{
    size_t plain = strcspn(template, "{");
    add(sentence, template, plain);
    for (size_t i = 0; i < sizeof(placeholders) / sizeof(placeholders[0]); i++) {
        size_t length = strlen(placeholders[i].name);
        if (strncmp(template + plain, placeholders[i].name, length) != 0)
            continue;
        placeholders[i].add(sentence, entry);
        return plain + length;
    }
    return plain;
}

void journal_sentence(const struct journal_entry *entry, char ret_text[JOURNAL_SENTENCE_MAX])
{
    static const struct event_row unknown = {
        .one = "something happened that this version of the daemon has no words for"};
    const struct event_row *row = row_of(entry->event);
    struct sentence sentence = {.text = ret_text};
    ret_text[0] = '\0';
    if (row == NULL)
        row = &unknown;
    bool several = entry->times > 1;
    for (const char *at = several && row->many != NULL ? row->many : row->one; *at != '\0';)
        at += add_piece(&sentence, at, entry);
    if (several && row->many == NULL) {
        add(&sentence, " (", 2);
        add_times(&sentence, entry);
        add(&sentence, " times)", strlen(" times)"));
    }
}
