/*
 * URIs of a code, its relay and its application, for links and QR codes:
 *
 *     wormhole-transfer:4-hurricane-equipment?rendezvous=wss%3A%2F%2Frelay.example
 *     wormholed:4-hurricane-equipment?appid=chat.example&relay=wss%3A%2F%2Frelay.example%2Fv1
 *
 * The first scheme is that of all clients that transfer files and texts (uri-scheme.md of the
 * magic-wormhole-protocols), reserved for their application (cli/offer.h); clients add the endpoint
 * /v1 to the relay. The second is ours, for any other application and relay: `relay` is a URL as it
 * is.
 */
#ifndef CLI_URI_H
#define CLI_URI_H

#include <stdbool.h>
#include <stddef.h>

/* The longest codes, relay URLs and application IDs; the daemon checks them. */
#define URI_CODE_MAX  255
#define URI_RELAY_MAX 512
#define URI_APPID_MAX 128

/* The relay that the clients of others use unless told otherwise. */
#define URI_PUBLIC_RELAY "ws://relay.magic-wormhole.io:4000/v1"

struct uri {
    char code[URI_CODE_MAX + 1];   /* secret */
    char relay[URI_RELAY_MAX + 1]; /* with its path; if the URI names none, the public relay */
    char appid[URI_APPID_MAX + 1]; /* empty if the URI names none */
    bool send; /* who made the URI waits for us to send something: its role is "leader" */
};

/* True if the text has the scheme of such a URI. */
bool uri_is(const char *text);

/* Parses one. Returns NULL, or what is wrong with it; then *ret_uri must not be used. Fields that
 * the scheme does not define are refused, as it demands. */
const char *uri_parse(const char *text, struct uri *ret_uri);

/* The URI of a code at a relay (a URL with its path) for an application, in the first scheme if
 * that can say it. A secret like the code. New; free(). NULL when out of memory. */
char *uri_make(const char *code, const char *relay, const char *appid);

/*
 * A text as a QR code (ISO/IEC 18004) of half blocks, two modules a character, in lines. `colours`:
 * black on white whatever the terminal has; otherwise light modules are blocks, as is right for
 * light text on a dark background. New; free(). NULL when out of memory, or if the text is too long
 * (about 2,900 bytes). *ret_columns is how many columns of a terminal it needs.
 */
char *uri_draw_qr(const char *text, bool colours, size_t *ret_columns);

#endif
