/* Codes: NAMEPLATE-password, e.g. 4-purple-sausages. */
#ifndef WORMHOLE_CODE_H
#define WORMHOLE_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest code in bytes, without the NUL. People type codes; this is far beyond any sentence, yet
 * bounds what is stored. */
#define CODE_MAX 255
/* Longest nameplate: the stock relay's have up to 6 digits, but people may make up longer ones. */
#define NAMEPLATE_MAX 32
/* Limit on generated words: 128 bits, more than the key exchange itself provides. */
#define CODE_WORDS_MAX     16
#define CODE_WORDS_DEFAULT 2

enum code_fault {
    CODE_OK = 0,
    CODE_EMPTY,
    CODE_HAS_SPACE,    /* blanks and control characters */
    CODE_NO_NAMEPLATE, /* does not begin with digits and a hyphen */
    CODE_NO_PASSWORD,  /* nothing after the hyphen */
    CODE_TOO_LONG,     /* over CODE_MAX bytes, or nameplate over NAMEPLATE_MAX digits */
    CODE_NOT_UTF8,
};

/* Checks a code that a person typed. Codes are case-sensitive and are used exactly as typed. */
enum code_fault code_check(const char *code);

/* One sentence for people, saying what is wrong. Borrowed. */
const char *code_fault_text(enum code_fault fault);

/* True if `text` is a nameplate: 1 to NAMEPLATE_MAX digits. */
bool code_nameplate_valid(const char *text);

/* Copies the nameplate of a checked code into `ret_nameplate` (NAMEPLATE_MAX + 1 bytes). */
void code_nameplate(const char *code, char ret_nameplate[NAMEPLATE_MAX + 1]);

/*
 * Makes a code from a nameplate and `words` bytes of entropy, one word each. `words` is 1 to
 * CODE_WORDS_MAX. Writes at most CODE_MAX + 1 bytes. False if `nameplate` is not a nameplate or
 * `words` is out of range.
 */
bool code_generate(const char *nameplate, unsigned words, const uint8_t *entropy,
                   char ret_code[CODE_MAX + 1]);

#endif
