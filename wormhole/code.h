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
#define NAMEPLATE_MAX 64
/* Limit on generated words: 128 bits, more than the key exchange itself provides. */
#define CODE_WORDS_MAX     16
#define CODE_WORDS_DEFAULT 2

enum code_fault {
    CODE_OK = 0,
    CODE_EMPTY,
    CODE_HAS_SPACE,    /* blanks and control characters */
    CODE_INVISIBLE,    /* characters that nobody sees, and so nobody means */
    CODE_DASH,         /* a dash that is not the hyphen-minus */
    CODE_AMBIGUOUS,    /* characters that some clients turn into others (Unicode's NFC) */
    CODE_MARKS,        /* something before, after or between words of the list */
    CODE_NO_NAMEPLATE, /* does not begin with digits and a hyphen */
    CODE_NO_PASSWORD,  /* nothing after the hyphen */
    CODE_TOO_LONG,     /* over CODE_MAX bytes, or nameplate over NAMEPLATE_MAX digits */
    CODE_NOT_UTF8,
};

/*
 * Makes a code from what a person typed, or copied from a message or a page.
 *
 * Blanks, control and invisible characters at either end do not count. If what remains can be
 * nothing but a number and the words of the list at their positions, it is read as these: in
 * whatever case and width, with blanks, any dashes and invisible characters between or within
 * them. Every other code was made by people, who may mean every letter of it: it is taken as it
 * is. But if it holds what was hardly meant, or what other clients read as something else, it is
 * refused: a code that is wrong by one byte costs both sides their session.
 *
 * Writes at most CODE_MAX + 1 bytes.
 */
enum code_fault code_read(const char *text, char ret_code[CODE_MAX + 1]);

/* Checks the form of a code, as sessions hold it. */
enum code_fault code_check(const char *code);

/* The code without a password, with which stock clients meet in their mode "-0": no secret at all,
 * for tests. Everybody who uses it at the same relay can be the peer. */
#define CODE_ZERO "0-"

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
