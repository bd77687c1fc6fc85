/*
 * wormhole-transfer: URIs: a code and its relay, as clients put them into links and QR codes
 * (uri-scheme.md of the magic-wormhole-protocols):
 *
 *     wormhole-transfer:4-hurricane-equipment?rendezvous=wss%3A%2F%2Frelay.example
 */
#ifndef CLI_URI_H
#define CLI_URI_H

#include <stdbool.h>

/* The longest codes and relay URLs; the daemon checks them. */
#define URI_CODE_MAX  255
#define URI_RELAY_MAX 512

struct uri {
    char code[URI_CODE_MAX + 1];   /* secret */
    char relay[URI_RELAY_MAX + 1]; /* with its path; empty: the daemon's default */
};

/* True if the text has the scheme of such a URI. */
bool uri_is(const char *text);

/* Parses one. Returns NULL, or what is wrong with it; then *ret_uri must not be used. Fields that
 * the scheme does not define are refused, as it demands. */
const char *uri_parse(const char *text, struct uri *ret_uri);

/* The URI of a code at a relay (a URL with its path). A secret like the code. New; free(). NULL
 * when out of memory. */
char *uri_make(const char *code, const char *relay);

/*
 * A text as a QR code (ISO/IEC 18004) of half blocks, two modules a character, in lines. `colours`:
 * black on white whatever the terminal has; otherwise light modules are blocks, as is right for
 * light text on a dark background. New; free(). NULL when out of memory, or if the text is too long
 * (about 2,900 bytes).
 */
char *uri_draw_qr(const char *text, bool colours);

#endif
