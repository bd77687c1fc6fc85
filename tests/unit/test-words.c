/* The word list is the one of the vectors, all 512 of them. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_words),
    };

    return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
