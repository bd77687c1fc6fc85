/* A session's journal: what goes on happening is counted, there is a bound, the story is kept, and
 * whatever bytes it is read from do no harm. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scarce.h"
#include "wormhole/journal.h"
#include "wormhole/session.h"

#define NOW    INT64_C(1700000000000)
#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct journal));
    return *state == NULL;
}

static int tear_down(void **state)
{
    free(((struct journal *)*state)->bytes);
    free(*state);
    return 0;
}

static void add(struct journal *journal, int64_t when, enum journal_event event, const char *text)
{
    assert_true(journal_add(journal, when, event, 1, 0, text));
}

static unsigned count(const struct journal *journal)
{
    struct journal_reader reader;
    struct journal_entry entry;
    unsigned entries = 0;
    journal_read(journal, &reader);
    while (journal_next(&reader, &entry))
        entries++;
    return entries;
}

/* The entry at `index`, from 0; from the end if it is negative. */
static struct journal_entry at(const struct journal *journal, int index)
{
    struct journal_reader reader;
    struct journal_entry entry = {.event = UINT32_MAX};
    journal_read(journal, &reader);
    for (int left = index < 0 ? (int)count(journal) + index : index; left >= 0; left--)
        assert_true(journal_next(&reader, &entry));
    return entry;
}

static void assert_sentence(const struct journal_entry *entry, const char *expected)
{
    char sentence[JOURNAL_SENTENCE_MAX];
    journal_sentence(entry, sentence);
    assert_string_equal(sentence, expected);
}

/* ---- what goes on happening ---- */

static void an_outage_is_one_entry(void **state)
{
    struct journal *journal = *state;
    add(journal, NOW, JOURNAL_INVITED, NULL);
    for (int i = 0; i < 100; i++)
        add(journal, NOW + i * HOUR, JOURNAL_TROUBLE, i < 99 ? "refused" : "no route");
    assert_int_equal(count(journal), 2);
    struct journal_entry entry = at(journal, 1);
    assert_int_equal(entry.times, 100);
    assert_int_equal(entry.first, NOW);
    assert_int_equal(entry.last, NOW + 99 * HOUR);
    assert_sentence(&entry, "visits to the relay failed 100 times, the last one because: no route");
    assert_true(journal_in_trouble(journal));
    add(journal, NOW + 100 * HOUR, JOURNAL_BACK, NULL);
    assert_false(journal_in_trouble(journal));
    /* The next one is another one. */
    add(journal, NOW + 102 * HOUR, JOURNAL_TROUBLE, "refused");
    assert_int_equal(count(journal), 4);
    assert_true(journal_in_trouble(journal));
}

/* Messages that come and go, a relay that comes and goes: within an hour, an entry for each. */
static void a_busy_hour_is_short(void **state)
{
    struct journal *journal = *state;
    add(journal, NOW, JOURNAL_ESTABLISHED, NULL);
    for (uint32_t i = 0; i < 50; i++) {
        assert_true(journal_add(journal, NOW + i * MINUTE, JOURNAL_QUEUED, 1, i, NULL));
        assert_true(journal_add(journal, NOW + i * MINUTE, JOURNAL_STORED, 1, i, NULL));
        add(journal, NOW + i * MINUTE, JOURNAL_TROUBLE, "refused");
        add(journal, NOW + i * MINUTE, JOURNAL_BACK, NULL);
    }
    assert_int_equal(count(journal), 5);
    struct journal_entry entry = at(journal, 1);
    assert_sentence(&entry, "50 messages were queued, the last one number 49");
    add(journal, NOW + HOUR, JOURNAL_QUEUED, NULL);
    assert_int_equal(count(journal), 6);
    /* A step of the story stands where it happened. */
    add(journal, NOW + HOUR, JOURNAL_VERIFIED, NULL);
    add(journal, NOW + HOUR, JOURNAL_QUEUED, NULL);
    assert_int_equal(count(journal), 8);
}

static void counting_stops_at_the_end_of_numbers(void **state)
{
    struct journal *journal = *state;
    assert_true(journal_add(journal, NOW, JOURNAL_QUEUED, UINT32_MAX, 7, NULL));
    assert_true(journal_add(journal, NOW, JOURNAL_QUEUED, UINT32_MAX, 8, NULL));
    assert_int_equal(at(journal, 0).times, UINT32_MAX);
    assert_int_equal(at(journal, 0).number, 8);
}

static void the_clock_is_set_back(void **state)
{
    struct journal *journal = *state;
    add(journal, NOW, JOURNAL_ALONE, NULL);
    add(journal, NOW - 5 * HOUR, JOURNAL_ALONE, NULL);
    assert_int_equal(at(journal, 0).first, NOW);
    assert_int_equal(at(journal, 0).last, NOW);
    add(journal, -5, JOURNAL_KEYED, NULL);
    assert_int_equal(at(journal, 1).first, 0);
}

/* ---- the bound ---- */

static void it_is_bounded(void **state)
{
    struct journal *journal = *state;
    char text[2 * JOURNAL_TEXT_MAX];
    struct journal_reader reader;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    add(journal, NOW, JOURNAL_ACCEPTED, NULL);
    add(journal, NOW, JOURNAL_KEYED, NULL);
    for (int i = 1; i <= 1000; i++) {
        add(journal, NOW + 2 * i * HOUR, i % 2 == 0 ? JOURNAL_TROUBLE : JOURNAL_BACK,
            i < 500 ? NULL : text);
        assert_in_range(count(journal), 1, JOURNAL_ENTRIES_MAX);
        assert_in_range(journal->length, 1, JOURNAL_BYTES_MAX);
        if (i == 300)
            assert_int_equal(count(journal), JOURNAL_ENTRIES_MAX);
    }
    /* The newest is there, and how it began. */
    assert_int_equal(at(journal, -1).last, NOW + 2000 * HOUR);
    assert_int_equal(at(journal, -1).text_length, JOURNAL_TEXT_MAX);
    assert_int_equal(at(journal, 0).event, JOURNAL_ACCEPTED);
    assert_int_equal(at(journal, 1).event, JOURNAL_KEYED);
    assert_int_equal(journal_read(journal, &reader), 1002 - count(journal));
}

static void even_a_story_is(void **state)
{
    struct journal *journal = *state;
    for (int i = 0; i < 500; i++)
        add(journal, NOW + i, i % 2 == 0 ? JOURNAL_STRANGER : JOURNAL_CLAIMED, "7");
    assert_int_equal(count(journal), JOURNAL_ENTRIES_MAX);
    add(journal, NOW + 500, JOURNAL_TROUBLE, "refused");
    assert_int_equal(at(journal, -1).event, JOURNAL_TROUBLE);
}

/* ---- texts ---- */

static void a_text_drives_no_terminal(void **state)
{
    struct journal *journal = *state;
    char sentence[JOURNAL_SENTENCE_MAX];
    add(journal, NOW, JOURNAL_TROUBLE, "a\x1b[2Jb\nc\xc2\x9b\xff \xc3\xa9");
    struct journal_entry entry = at(journal, 0);
    journal_sentence(&entry, sentence);
    assert_string_equal(sentence, "a visit to the relay failed: a?[2Jb?c?? \xc3\xa9");
}

static void a_sentence_without_its_text(void **state)
{
    struct journal *journal = *state;
    assert_true(journal_add(journal, NOW, JOURNAL_ENDED, 1, RESULT_SCARY, NULL));
    struct journal_entry entry = at(journal, 0);
    assert_sentence(&entry, "it ends (scary)");
    entry.number = 77;
    assert_sentence(&entry, "it ends (unknown)");
}

/* None is too long for its room, and no event's words forget what it needs. */
static void every_sentence_fits(void **state)
{
    char text[JOURNAL_TEXT_MAX + 1], sentence[JOURNAL_SENTENCE_MAX];
    (void)state;
    memset(text, 'x', sizeof(text));
    for (uint32_t event = 1; event < JOURNAL_EVENTS; event++) {
        struct journal_entry entry = {
            .event = event, .number = UINT32_MAX, .text = text, .text_length = JOURNAL_TEXT_MAX};
        for (entry.times = 1; entry.times < 3; entry.times++) {
            journal_sentence(&entry, sentence);
            assert_in_range(strlen(sentence), 10, sizeof(sentence) - 20);
            assert_null(strpbrk(sentence, "{}"));
        }
        assert_string_not_equal(journal_event_name(event), "unknown");
        for (uint32_t other = 1; other < event; other++)
            assert_string_not_equal(journal_event_name(event), journal_event_name(other));
    }
}

/* Programs find each event in the table of doc/ipc.md. */
static void the_page_has_each_event(void **state)
{
    static char page[256 * 1024];
    char path[4096], name[64];
    const char *root = getenv("abs_top_srcdir");
    (void)state;
    snprintf(path, sizeof(path), "%s/doc/ipc.md", root == NULL ? "." : root);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail_msg("cannot read %s", path);
    page[fread(page, 1, sizeof(page) - 1, file)] = '\0';
    fclose(file);
    const char *table = strstr(page, "\n## What a log tells\n");
    assert_non_null(table);
    *strstr(table, "\nNew ones may be added.\n") = '\0';
    for (uint32_t event = 1; event <= JOURNAL_EVENTS; event++) {
        snprintf(name, sizeof(name), "`%s`", journal_event_name(event));
        if (strstr(table, name) == NULL)
            fail_msg("doc/ipc.md does not tell of %s", name);
    }
}

/* ---- bytes ---- */

/* Reads all, and adds something. */
static void use(const uint8_t *bytes, size_t length)
{
    char sentence[JOURNAL_SENTENCE_MAX];
    struct journal journal = {malloc(length + 1), length};
    struct journal_reader reader;
    struct journal_entry entry;
    assert_non_null(journal.bytes);
    memcpy(journal.bytes, bytes, length);
    journal_read(&journal, &reader);
    while (journal_next(&reader, &entry))
        journal_sentence(&entry, sentence);
    journal_in_trouble(&journal);
    add(&journal, NOW, JOURNAL_CLOSED, NULL);
    assert_int_equal(at(&journal, -1).event, JOURNAL_CLOSED);
    assert_in_range(journal.length, 1, JOURNAL_BYTES_MAX);
    free(journal.bytes);
}

static void damaged_bytes_do_no_harm(void **state)
{
    struct journal *journal = *state;
    add(journal, NOW, JOURNAL_INVITED, NULL);
    add(journal, NOW + 1, JOURNAL_TROUBLE, "refused");
    add(journal, NOW + 2, JOURNAL_ENDED, "closed");
    for (size_t length = 0; length <= journal->length; length++)
        use(journal->bytes, length);
    for (size_t i = 0; i < journal->length; i++) {
        uint8_t right = journal->bytes[i];
        for (unsigned wrong = 0; wrong < 256; wrong++) {
            journal->bytes[i] = (uint8_t)wrong;
            use(journal->bytes, journal->length);
        }
        journal->bytes[i] = right;
    }
    /* Larger numbers than there are. */
    uint8_t bytes[64];
    memset(bytes, 0xff, sizeof(bytes));
    use(bytes, sizeof(bytes));
    memset(bytes, 0, sizeof(bytes));
    use(bytes, sizeof(bytes));
}

/* Many entries of many bytes are no more than what this version keeps, once it adds one. */
static void more_than_this_version_keeps(void **state)
{
    uint8_t bytes[3000];
    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i += 6)
        memcpy(bytes + i, (const uint8_t[]){JOURNAL_KEYED, 1, 0, 1, 0, 0}, 6);
    memmove(bytes + 1, bytes, sizeof(bytes) - 1);
    bytes[0] = 0;
    use(bytes, sizeof(bytes) - 5);
}

static void an_event_of_a_later_version(void **state)
{
    struct journal *journal = *state;
    static const uint8_t bytes[] = {0, 0x81, 0x7f, 5, 0, 1, 0, 2, 'o', 'k'};
    journal->bytes = malloc(sizeof(bytes));
    assert_non_null(journal->bytes);
    memcpy(journal->bytes, bytes, sizeof(bytes));
    journal->length = sizeof(bytes);
    add(journal, NOW, JOURNAL_KEYED, NULL);
    struct journal_entry entry = at(journal, 0);
    assert_int_equal(entry.event, 0x3f81);
    assert_int_equal(entry.text_length, 2);
    assert_string_equal(journal_event_name(entry.event), "unknown");
    assert_sentence(&entry, "something happened that this version of the daemon has no words for");
}

/* A text that somebody else wrote is no text of ours. */
static void a_foreign_text_is_checked(void **state)
{
    static const uint8_t bytes[] = {0, JOURNAL_TROUBLE, 5, 0, 1, 0, 1, 0x1b};
    struct journal journal = {(uint8_t *)bytes, sizeof(bytes)};
    (void)state;
    assert_int_equal(count(&journal), 0);
}

static void without_memory_nothing_is_lost(void **state)
{
    struct journal *journal = *state;
    add(journal, NOW, JOURNAL_KEYED, NULL);
    scarce_fail_nth(1);
    assert_false(journal_add(journal, NOW, JOURNAL_TROUBLE, 1, 0, "refused"));
    assert_true(scarce_end());
    assert_int_equal(count(journal), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_outage_is_one_entry),
        TEST(a_busy_hour_is_short),
        TEST(counting_stops_at_the_end_of_numbers),
        TEST(the_clock_is_set_back),
        TEST(it_is_bounded),
        TEST(even_a_story_is),
        TEST(a_text_drives_no_terminal),
        TEST(a_sentence_without_its_text),
        TEST(every_sentence_fits),
        TEST(the_page_has_each_event),
        TEST(damaged_bytes_do_no_harm),
        TEST(more_than_this_version_keeps),
        TEST(an_event_of_a_later_version),
        TEST(a_foreign_text_is_checked),
        TEST(without_memory_nothing_is_lost),
    };
    scarce_init();
    return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
