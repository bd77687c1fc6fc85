/* TLS: whom a client trusts, and the reason if it does not; how a server proves who it is. */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

struct pin;
struct pins;
struct url;

/* TLS 1.2 or later; trusts the system's CA store or, if `cafile` is not NULL, only the certificates
 * in that PEM file. New: SSL_CTX_free() it. NULL on failure, with a sentence in ret_why. */
SSL_CTX *tls_context_new(const char *cafile, char *ret_why, size_t size);

/* For a server: its certificate, with the chain to its authority, and the key for it, in PEM files
 * (key NULL: in the same file). TLS 1.2 or later. New; NULL as above. */
SSL_CTX *tls_server_context_new(const char *certificate, const char *key, char *ret_why,
                                size_t size);

/*
 * For one connection to the URL's host: its certificate must be for that name or address and, if
 * there are pins (not NULL, and more than none), its key must be one of theirs. A pin comes on top
 * of all that is checked without one. Only a certificate that is signed by itself needs no more
 * than its pin: what it says of its name, its dates and its authority, anybody could have written.
 * New: SSL_free() it. NULL on failure.
 */
SSL *tls_client_new(SSL_CTX *context, const struct url *url, const struct pins *pins);

/* The pin of the key that the other end has shown, whether or not it is trusted. False if it has
 * shown none. For tls_client_new()'s. */
bool tls_shown_pin(const SSL *ssl, struct pin *ret_pin);

/* The text of OpenSSL's error code; if that is 0, or says only that the system failed, the text of
 * errno (`system`). Borrowed. */
const char *tls_error_text(unsigned long error, int system);

/* Why the other end is not trusted, as a clause fit to follow a colon. NULL if it is trusted, or
 * has not shown a certificate yet. Borrowed until the next call. */
const char *tls_distrust(const SSL *ssl);

/* Announces that no more will be sent (close_notify), if the handshake was completed; otherwise
 * does nothing. */
void tls_goodbye(SSL *ssl);

#endif
