#include "config.h"

#include "wormhole/code.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "wormhole/words.h"

#define DIGITS "0123456789"

/* The longest words of the list have 11 letters at odd places, and 9 at even ones. */
_Static_assert(NAMEPLATE_MAX + CODE_WORDS_MAX / 2 * (12 + 10) <= CODE_MAX, "generated codes fit");

static const char *const fault_texts[] = {
    [CODE_OK] = "the code is well-formed",
    [CODE_EMPTY] = "the code is empty",
    [CODE_HAS_SPACE] =
        "a code has no spaces: its parts are joined by hyphens, as in 4-purple-sausages",
    [CODE_INVISIBLE] =
        "the code contains a character that cannot be seen, maybe from a page that it was copied "
        "from: type the code instead",
    [CODE_DASH] = "the code contains a dash that is not a hyphen: type the code with '-'",
    [CODE_AMBIGUOUS] =
        "the code contains an accent without its letter, or a character that clients "
        "read in different ways: choose another code",
    [CODE_MARKS] =
        "there is something before, after or between the words of the code that does not "
        "belong to it: type it as in 4-purple-sausages",
    [CODE_NO_NAMEPLATE] = "a code begins with a number and a hyphen, as in 4-purple-sausages",
    [CODE_NO_PASSWORD] = "words are missing after the number, as in 4-purple-sausages",
    [CODE_TOO_LONG] = "the code is too long",
    [CODE_NOT_UTF8] = "the code is not UTF-8 text",
};

const char *code_fault_text(enum code_fault fault)
{
    return fault_texts[fault];
}

/* ---- the form ---- */

static bool has_blank(const char *text)
{
    return strchr(text, ' ') != NULL || utf8_has_control(text);
}

enum code_fault code_check(const char *code)
{
    size_t length = strnlen(code, CODE_MAX + 1);
    size_t digits;

    if (length == 0)
        return CODE_EMPTY;
    if (length > CODE_MAX)
        return CODE_TOO_LONG;
    if (!utf8_valid(code, strlen(code)))
        return CODE_NOT_UTF8;
    if (has_blank(code))
        return CODE_HAS_SPACE;
    digits = strspn(code, DIGITS);
    if (digits == 0 || code[digits] != '-')
        return CODE_NO_NAMEPLATE;
    if (digits > NAMEPLATE_MAX)
        return CODE_TOO_LONG;
    return code[digits + 1] != '\0' || strcmp(code, CODE_ZERO) == 0 ? CODE_OK : CODE_NO_PASSWORD;
}

/* ---- what people type ---- */

/* Zero-width joiner and non-joiner: inside a code of people's own they belong to its spelling, as
 * in Persian, or to a picture. */
#define NON_JOINER 0x200c
#define JOINER     0x200d

/* What stands for an ASCII letter or digit, in lower case: capitals, the wide forms of East Asia,
 * the two letters i of Turkish keyboards. */
static uint32_t fold(uint32_t character)
{
    if (character >= 0xff01 && character <= 0xff5e)
        character -= 0xff01 - '!';
    if (character == 0x130 || character == 0x131)
        return 'i';
    return character >= 'A' && character <= 'Z' ? character - 'A' + 'a' : character;
}

/* Reduces a text to lower-case letters, digits, and a hyphen for all that is between them. False if
 * it is too long; *ret_marks: there was something between them, or at an end, that no code has. */
static bool flatten(const char *text, size_t length, char ret_flat[CODE_MAX + 1], bool *ret_marks)
{
    size_t used = 0, size;

    *ret_marks = false;
    for (size_t at = 0; at < length; at += size) {
        uint32_t character;
        size = utf8_character(text + at, length - at, &character);
        bool between = utf8_is_dash(character) || utf8_is_blank(character);
        uint32_t plain = fold(character);
        if (utf8_is_invisible(character))
            continue;
        if (used == CODE_MAX)
            return false;
        if ((plain >= 'a' && plain <= 'z') || (plain >= '0' && plain <= '9')) {
            ret_flat[used++] = (char)plain;
        } else {
            *ret_marks = *ret_marks || !between || used == 0 || at + size == length;
            if (used > 0 && ret_flat[used - 1] != '-')
                ret_flat[used++] = '-';
        }
    }
    used -= used > 0 && ret_flat[used - 1] == '-';
    ret_flat[used] = '\0';
    return true;
}

/* True if `flat` is a number and words of the list at their places. */
static bool is_of_the_list(const char *flat)
{
    size_t length = strspn(flat, DIGITS);
    unsigned count = 0;

    if (length == 0 || flat[length] == '\0')
        return false;
    for (; flat[length] == '-'; count++) {
        flat += length + 1;
        length = strcspn(flat, "-");
        if (words_find(count, flat, length) == NULL)
            return false;
    }
    return count > 0;
}

/* Python's clients compose a code before they use it (Unicode's NFC), others do not: what would
 * come out of that as something else. */
static bool is_ambiguous(uint32_t character)
{
    static const struct code_range {
        uint32_t first, last;
    } ranges[] = {
        {0x0300, 0x036f}, {0x1100, 0x11ff}, {0x2126, 0x2126},
        {0x212a, 0x212b}, {0x3099, 0x309a}, {0xf900, 0xfaff},
    };

    for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
        if (character >= ranges[i].first && character <= ranges[i].last)
            return true;
    return false;
}

/* What a code of people's own must not contain. */
static enum code_fault check_character(uint32_t character)
{
    if (utf8_is_blank(character) || utf8_is_control(character))
        return CODE_HAS_SPACE;
    if (utf8_is_invisible(character) && character != JOINER && character != NON_JOINER)
        return CODE_INVISIBLE;
    if (utf8_is_dash(character) && character != '-')
        return CODE_DASH;
    return is_ambiguous(character) ? CODE_AMBIGUOUS : CODE_OK;
}

/* A code of people's own: as it is. */
static enum code_fault read_own(const char *text, size_t length, char ret_code[CODE_MAX + 1])
{
    size_t size;

    for (size_t at = 0; at < length; at += size) {
        uint32_t character;
        size = utf8_character(text + at, length - at, &character);
        enum code_fault fault = check_character(character);
        if (fault != CODE_OK)
            return fault;
    }
    memcpy(ret_code, text, length);
    ret_code[length] = '\0';
    return code_check(ret_code);
}

enum code_fault code_read(const char *text, char ret_code[CODE_MAX + 1])
{
    size_t length = strlen(text);
    bool marks;

    if (!utf8_valid(text, length))
        return CODE_NOT_UTF8;
    text = utf8_trim(text, &length);
    if (length == 0)
        return CODE_EMPTY;
    if (flatten(text, length, ret_code, &marks) && is_of_the_list(ret_code))
        return marks ? CODE_MARKS : code_check(ret_code);
    return length > CODE_MAX ? CODE_TOO_LONG : read_own(text, length, ret_code);
}

bool code_nameplate_valid(const char *text)
{
    size_t digits = strspn(text, DIGITS);

    return digits > 0 && digits <= NAMEPLATE_MAX && text[digits] == '\0';
}

void code_nameplate(const char *code, char ret_nameplate[NAMEPLATE_MAX + 1])
{
    snprintf(ret_nameplate, NAMEPLATE_MAX + 1, "%.*s", (int)strspn(code, DIGITS), code);
}

bool code_generate(const char *nameplate, unsigned words, const uint8_t *entropy,
                   char ret_code[CODE_MAX + 1])
{
    char *end;

    if (!code_nameplate_valid(nameplate) || words < 1 || words > CODE_WORDS_MAX)
        return false;
    end = stpcpy(ret_code, nameplate);
    for (unsigned i = 0; i < words; i++) {
        *end++ = '-';
        end = stpcpy(end, words_pick(i, entropy[i]));
    }
    return true;
}
