/*
 * wormhole-transfer: URIs: a code, and where to meet, as clients put them into pictures and links
 * (uri-scheme.md of the magic-wormhole-protocols):
 *
 *     wormhole-transfer:4-hurricane-equipment?rendezvous=wss%3A%2F%2Frelay.example
 */
#ifndef CLI_URI_H
#define CLI_URI_H

#include <stdbool.h>

/* As long as codes and relays' URLs may be; the daemon judges them. */
#define URI_CODE_MAX  255
#define URI_RELAY_MAX 512

struct uri {
    char code[URI_CODE_MAX + 1];   /* secret */
    char relay[URI_RELAY_MAX + 1]; /* with its path; empty: the daemon's default */
};

/* True if the text means to be such a URI. */
bool uri_is(const char *text);

/* Takes one apart. NULL, or a sentence that says what is wrong with it; then *ret_uri is not to be
 * used. Fields that the scheme does not know are refused, as it demands. */
const char *uri_parse(const char *text, struct uri *ret_uri);

/* The URI of a code at a relay (a URL with its path). A secret like the code. New; free(). NULL
 * when out of memory. */
char *uri_make(const char *code, const char *relay);

#endif
