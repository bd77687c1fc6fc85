#include "config.h"

#include "wormhole/code.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "wormhole/words.h"

#define DIGITS "0123456789"

/* The longest word of the list has 11 letters, so the longest code fits with room to spare. */
_Static_assert(NAMEPLATE_MAX + CODE_WORDS_MAX * 12 <= CODE_MAX, "generated codes fit");

static const char *const fault_texts[] = {
    [CODE_OK] = "the code is well-formed",
    [CODE_EMPTY] = "the code is empty",
    [CODE_HAS_SPACE] =
        "a code has no spaces: its parts are joined by hyphens, as in 4-purple-sausages",
    [CODE_NO_NAMEPLATE] = "a code begins with a number and a hyphen, as in 4-purple-sausages",
    [CODE_NO_PASSWORD] = "words are missing after the number, as in 4-purple-sausages",
    [CODE_TOO_LONG] = "the code is too long",
    [CODE_NOT_UTF8] = "the code is not UTF-8 text",
};

const char *code_fault_text(enum code_fault fault)
{
    return fault_texts[fault];
}

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
    return code[digits + 1] ? CODE_OK : CODE_NO_PASSWORD;
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
