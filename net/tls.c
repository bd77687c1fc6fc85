#include "config.h"

#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "net/pins.h"
#include "net/url.h"

static const char *first_reason(void)
{
    unsigned long error = ERR_peek_error();
    const char *reason =
        ERR_SYSTEM_ERROR(error) ? strerror(ERR_GET_REASON(error)) : ERR_reason_error_string(error);

    ERR_clear_error();
    return reason != NULL ? reason : "unknown error";
}

static bool is_fault(unsigned long error, int library, int reason)
{
    return ERR_GET_LIB(error) == library && ERR_GET_REASON(error) == reason;
}

/* Why nothing could be read from a file, `what` being what ought to be in it: OpenSSL's own words
 * are "unsupported", "no start line" or the like. */
static const char *file_reason(const char *path, const char *what)
{
    static __thread char text[128];
    unsigned long error = ERR_peek_error();
    struct stat status;
    bool absent = ERR_GET_REASON(error) == ERR_R_UNSUPPORTED ||
                  is_fault(error, ERR_LIB_PEM, PEM_R_NO_START_LINE) ||
                  is_fault(error, ERR_LIB_X509, X509_R_NO_CERTIFICATE_OR_CRL_FOUND);

    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        snprintf(text, sizeof(text), "it is a directory");
    } else if (is_fault(error, ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH) ||
               is_fault(error, ERR_LIB_X509, X509_R_KEY_TYPE_MISMATCH)) {
        snprintf(text, sizeof(text), "it belongs to another certificate");
    } else if (!ERR_SYSTEM_ERROR(error) &&
               ERR_GET_REASON(error) == ERR_R_INTERRUPTED_OR_CANCELLED) {
        snprintf(text, sizeof(text), "it needs a passphrase, which nobody could type");
    } else if (!ERR_SYSTEM_ERROR(error) && absent) {
        snprintf(text, sizeof(text), "there is no %s in it (PEM)", what);
    } else {
        return first_reason();
    }
    ERR_clear_error();
    return text;
}

/* For both ends. */
static SSL_CTX *context_new(const SSL_METHOD *method, char *ret_why, size_t size)
{
    SSL_CTX *context = SSL_CTX_new(method);

    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) {
        snprintf(ret_why, size, "cannot set up TLS: %s", first_reason());
        SSL_CTX_free(context);
        return NULL;
    }
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION
                                     /* WebSocket frames tell their own end: a TCP connection that
                                      * ends without a TLS goodbye is an end like any other. */
                                     | SSL_OP_IGNORE_UNEXPECTED_EOF);
    /* An idle connection keeps no record buffers, which saves 34 KB each. */
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    return context;
}

SSL_CTX *tls_context_new(const char *cafile, char *ret_why, size_t size)
{
    SSL_CTX *context = context_new(TLS_client_method(), ret_why, size);

    if (context == NULL)
        return NULL;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if ((cafile == NULL ? SSL_CTX_set_default_verify_paths(context)
                        : SSL_CTX_load_verify_file(context, cafile)) != 1) {
        snprintf(ret_why, size, "cannot read the certificates in %s: %s",
                 cafile != NULL ? cafile : "the system's CA store",
                 cafile != NULL ? file_reason(cafile, "certificate") : first_reason());
        SSL_CTX_free(context);
        return NULL;
    }
    return context;
}

/* Nobody can type a passphrase into a daemon: without this, OpenSSL would ask on its terminal. */
static int no_passphrase(char *ret_text, int size, int writing, void *arg)
{
    (void)ret_text;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

SSL_CTX *tls_server_context_new(const char *certificate, const char *key, char *ret_why,
                                size_t size)
{
    SSL_CTX *context = context_new(TLS_server_method(), ret_why, size);

    if (context == NULL)
        return NULL;
    if (key == NULL)
        key = certificate;
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
        snprintf(ret_why, size, "cannot read the certificate in %s: %s", certificate,
                 file_reason(certificate, "certificate"));
    else if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
        snprintf(ret_why, size, "cannot use the key in %s: %s", key,
                 file_reason(key, "private key"));
    else
        return context;
    SSL_CTX_free(context);
    return NULL;
}

/* Server Name Indication is for names only (RFC 6066 §3). */
static bool expect_host(SSL *ssl, const struct url *url)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

    if (url->literal)
        return X509_VERIFY_PARAM_set1_ip_asc(param, url->host) == 1;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return X509_VERIFY_PARAM_set1_host(param, url->host, 0) == 1 &&
           SSL_set_tlsext_host_name(ssl, url->host) == 1;
}

/* ---- pins ---- */

/* What is known of the other end's key; belongs to the SSL. */
struct key_check {
    struct pins pins;
    bool shown;
    struct pin pin; /* if shown */
};

static void free_key_check(void *parent, void *check, CRYPTO_EX_DATA *data, int index,
                           long argument, void *pointer)
{
    (void)parent;
    (void)data;
    (void)index;
    (void)argument;
    (void)pointer;
    free(check);
}

/* Where an SSL keeps its key_check; -1 when out of memory. All TLS is in one thread. */
static int key_check_index(void)
{
    static int index = -1;

    if (index < 0)
        index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_key_check);
    return index;
}

/* True if it is merely what a certificate says of itself that is not as it should be. */
static bool is_own_word(int error)
{
    static const int errors[] = {
        X509_V_OK,
        X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
        X509_V_ERR_HOSTNAME_MISMATCH,
        X509_V_ERR_IP_ADDRESS_MISMATCH,
        X509_V_ERR_CERT_NOT_YET_VALID,
        X509_V_ERR_CERT_HAS_EXPIRED,
    };

    for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
        if (errors[i] == error)
            return true;
    return false;
}

/* OpenSSL asks for each fault (`good` 0), and for each certificate of the chain without one. */
static int check_key(int good, X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct key_check *check = SSL_get_ex_data(ssl, key_check_index());
    X509 *certificate = X509_STORE_CTX_get0_cert(store);
    int error = X509_STORE_CTX_get_error(store);

    check->shown = pin_of(certificate, &check->pin);
    if (check->pins.count == 0)
        return good;
    if (!good && !(is_own_word(error) && X509_self_signed(certificate, 1) == 1))
        return 0;
    good = check->shown && pins_have(&check->pins, &check->pin);
    X509_STORE_CTX_set_error(store, good ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
    return good;
}

static bool expect_key(SSL *ssl, const struct pins *pins)
{
    struct key_check *check = calloc(1, sizeof(*check));

    if (check == NULL || SSL_set_ex_data(ssl, key_check_index(), check) != 1) {
        free(check);
        return false;
    }
    if (pins != NULL)
        check->pins = *pins;
    SSL_set_verify(ssl, SSL_VERIFY_PEER, check_key);
    return true;
}

bool tls_shown_pin(const SSL *ssl, struct pin *ret_pin)
{
    const struct key_check *check = SSL_get_ex_data(ssl, key_check_index());

    if (check == NULL || !check->shown)
        return false;
    *ret_pin = check->pin;
    return true;
}

SSL *tls_client_new(SSL_CTX *context, const struct url *url, const struct pins *pins)
{
    SSL *ssl = SSL_new(context);

    if (ssl != NULL && !(expect_host(ssl, url) && expect_key(ssl, pins))) {
        SSL_free(ssl);
        ssl = NULL;
    }
    ERR_clear_error();
    return ssl;
}

struct tls_reason {
    long code;
    const char *text;
};

/* Faults that a person can do something about, in plainer words than OpenSSL's. */
static const struct tls_reason distrust[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, "its certificate has expired"},
    {X509_V_ERR_CERT_NOT_YET_VALID, "its certificate is not valid yet (is the clock right?)"},
    {X509_V_ERR_HOSTNAME_MISMATCH, "its certificate is for another host name"},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, "its certificate is not for this address"},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "its certificate is self-signed"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "its certificate is from an unknown authority"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "its certificate is from an unknown authority"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "its certificate is from an unknown authority"},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "its certificate is from an unknown authority"},
    {X509_V_ERR_CERT_REVOKED, "its certificate was revoked"},
};

static const struct tls_reason failures[] = {
    {SSL_R_WRONG_VERSION_NUMBER, "it does not speak TLS"},
    {SSL_R_HTTP_REQUEST, "it does not speak TLS"},
    {SSL_R_PACKET_LENGTH_TOO_LONG, "it does not speak TLS"},
    {SSL_R_UNSUPPORTED_PROTOCOL, "it speaks only a TLS version that is no longer safe"},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "it refuses our version of TLS"},
};

static const char *find_reason(const struct tls_reason *reasons, size_t count, long code)
{
    for (size_t i = 0; i < count; i++)
        if (reasons[i].code == code)
            return reasons[i].text;
    return NULL;
}

/* Whoever compares wants to see what there is to be compared. */
static const char *other_key(const SSL *ssl)
{
    static __thread char text[PIN_TEXT_SIZE + 64];
    char shown[PIN_TEXT_SIZE] = "";
    struct pin pin;

    if (tls_shown_pin(ssl, &pin))
        pin_text(&pin, shown);
    snprintf(text, sizeof(text), "its key is not one of those pinned, but %s", shown);
    return text;
}

const char *tls_distrust(const SSL *ssl)
{
    long result = SSL_get_verify_result(ssl);
    const char *text = find_reason(distrust, sizeof(distrust) / sizeof(*distrust), result);

    if (result == X509_V_OK)
        return NULL;
    if (result == X509_V_ERR_APPLICATION_VERIFICATION)
        return other_key(ssl);
    return text != NULL ? text : X509_verify_cert_error_string(result);
}

const char *tls_error_text(unsigned long error, int system)
{
    const char *text =
        find_reason(failures, sizeof(failures) / sizeof(*failures), ERR_GET_REASON(error));

    if (error == 0 || error == SSL_ERROR_SYSCALL)
        return system != 0 ? strerror(system) : "it was closed";
    if (text == NULL)
        text = ERR_reason_error_string(error);
    return text != NULL ? text : "TLS failed";
}

void tls_goodbye(SSL *ssl)
{
    if (!SSL_is_init_finished(ssl))
        return;
    SSL_shutdown(ssl);
    ERR_clear_error();
}
