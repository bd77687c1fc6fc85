/*
 * Pins: who a TLS server is, told by its key alone. A pin is the SHA-256 of the
 * SubjectPublicKeyInfo (RFC 5280 §4.1) of its certificate, in base64 as in HPKP (RFC 7469 §2.4) and
 * curl: it stays the same when a certificate is renewed for the same key.
 */
#ifndef NET_PINS_H
#define NET_PINS_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PIN_BYTES 32
/* "sha256:", 44 characters of base64, and a NUL. */
#define PIN_TEXT_SIZE 52
/* The key in use, the next one, and some for a host with several machines. */
#define PINS_MAX 8

struct pin {
    uint8_t sha256[PIN_BYTES];
};

/* A plain value. */
struct pins {
    unsigned count; /* 0: any key will do */
    struct pin items[PINS_MAX];
};

/* Reads pins with blanks between them. False with a sentence in ret_why (of `size` bytes). */
bool pins_parse(const char *text, struct pins *ret_pins, char *ret_why, size_t size);

void pin_text(const struct pin *pin, char ret_text[PIN_TEXT_SIZE]);

/* That of a certificate. False when out of memory. */
bool pin_of(const X509 *certificate, struct pin *ret_pin);

bool pins_have(const struct pins *pins, const struct pin *pin);

#endif
