#include "config.h"

#include "net/pins.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

static const char scheme[] = "sha256:";

#define SCHEME_LENGTH (sizeof(scheme) - 1)
#define BLANKS        " \t"

/* libsodium refuses what is longer than the pin, or not all base64. */
static bool parse_pin(const char *text, size_t length, struct pin *ret_pin)
{
    struct pin pin;
    size_t bytes;

    if (length < SCHEME_LENGTH || memcmp(text, scheme, SCHEME_LENGTH) != 0 ||
        sodium_base642bin(pin.sha256, PIN_BYTES, text + SCHEME_LENGTH, length - SCHEME_LENGTH, NULL,
                          &bytes, NULL, sodium_base64_VARIANT_ORIGINAL) != 0 ||
        bytes != PIN_BYTES)
        return false;
    *ret_pin = pin;
    return true;
}

bool pins_parse(const char *text, struct pins *ret_pins, char *ret_why, size_t size)
{
    struct pins pins = {0};

    for (text += strspn(text, BLANKS); *text != '\0'; text += strspn(text, BLANKS)) {
        size_t length = strcspn(text, BLANKS);

        if (pins.count == PINS_MAX) {
            snprintf(ret_why, size, "at most %d pins", PINS_MAX);
            return false;
        }
        if (!parse_pin(text, length, &pins.items[pins.count++])) {
            snprintf(ret_why, size,
                     "a pin is sha256: and the 44 characters of a SHA-256 in base64, as 'wormctl "
                     "doctor' prints it");
            return false;
        }
        text += length;
    }
    if (pins.count == 0) {
        snprintf(ret_why, size, "expected a pin, sha256:…");
        return false;
    }
    *ret_pins = pins;
    return true;
}

void pin_text(const struct pin *pin, char ret_text[PIN_TEXT_SIZE])
{
    memcpy(ret_text, scheme, SCHEME_LENGTH);
    sodium_bin2base64(ret_text + SCHEME_LENGTH, PIN_TEXT_SIZE - SCHEME_LENGTH, pin->sha256,
                      PIN_BYTES, sodium_base64_VARIANT_ORIGINAL);
}

bool pin_of(const X509 *certificate, struct pin *ret_pin)
{
    unsigned char *der = NULL;
    int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);

    if (length <= 0)
        return false;
    crypto_hash_sha256(ret_pin->sha256, der, (unsigned long long)length);
    OPENSSL_free(der);
    return true;
}

bool pins_have(const struct pins *pins, const struct pin *pin)
{
    for (unsigned i = 0; i < pins->count; i++)
        if (memcmp(pins->items[i].sha256, pin->sha256, PIN_BYTES) == 0)
            return true;
    return false;
}
