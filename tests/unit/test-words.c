/* The word list is the one of the vectors, all 512 of them. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "vectors.h"
#include "wormhole/words.h"

static void check_row(unsigned byte, const char *even, const char *odd)
{
    for (unsigned position = 0; position < 16; position += 2) {
        assert_string_equal(words_pick(position, (uint8_t)byte), odd);
        assert_string_equal(words_pick(position + 1, (uint8_t)byte), even);
    }
}

static void test_all_words(void **state)
{
    FILE *file = vectors_open("pgp-words.tsv");
    char line[128], even[64], odd[64];
    unsigned byte, rows = 0;

    (void)state;
    while (fgets(line, sizeof(line), file)) {
        if (sscanf(line, "%2x\t%63[a-z]\t%63[a-z]", &byte, even, odd) != 3)
            continue; /* the heading */
        assert_int_equal(byte, rows);
        check_row(byte, even, odd);
        rows++;
    }
    fclose(file);
    assert_int_equal(rows, 256);
}

/* Only whole words, in their places. */
static void test_find(void **state)
{
    (void)state;
    for (unsigned position = 0; position < 4; position++)
        for (unsigned byte = 0; byte <= UINT8_MAX; byte++) {
            const char *word = words_pick(position, (uint8_t)byte);

            assert_ptr_equal(words_find(position, word, strlen(word)), word);
            assert_null(words_find(position + 1, word, strlen(word)));
            assert_null(words_find(position, word, strlen(word) - 1));
        }
    assert_null(words_find(0, "", 0));
    assert_null(words_find(0, "Apollo", 6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_words),
        cmocka_unit_test(test_find),
    };

    return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
