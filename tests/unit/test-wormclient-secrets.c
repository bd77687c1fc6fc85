/* The calls about keys and sessions that move, against a daemon that follows a script. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libclient/wormclient.h"
#include "wormclient-script.h"

#define KEY "0123456789abcdef"

static void fill_nothing(struct writer *writer)
{
    (void)writer;
}

static void empty(struct script *script, const struct message *request)
{
    script_result(script, request, fill_nothing);
}

static void result_if(struct script *script, const struct message *request, bool right,
                      void (*fill)(struct writer *writer))
{
    if (right)
        script_result(script, request, fill);
    else
        script_error(script, request, IPC_BAD_PARAMS);
}

/* ---- keys ---- */

static void fill_key(struct writer *writer)
{
    writer_text(writer, "session", SCRIPT_ID);
    writer_data(writer, "key", KEY, sizeof(KEY) - 1);
}

static void derived(struct script *script, const struct message *request)
{
    result_if(script, request,
              script_says(request, "session", "laptop") &&
                  script_says(request, "purpose", "example.org/disk") &&
                  script_counts(request, "length", sizeof(KEY) - 1),
              fill_key);
}

/* Whatever was asked for. */
static void key_of_another_length(struct script *script, const struct message *request)
{
    script_result(script, request, fill_key);
}

static void too_early(struct script *script, const struct message *request)
{
    script_error(script, request, IPC_NOT_KEYED);
}

static bool derive(struct script *script, void *ret_key, size_t length,
                   struct wormclient_error *ret_error)
{
    return wormclient_derive_key(script->client, "laptop", "example.org/disk", ret_key, length,
                                 ret_error);
}

static void deriving(void **state)
{
    (void)state;
    static const struct step steps[] = {{"derive_key", derived},
                                        {"derive_key", key_of_another_length},
                                        {"derive_key", empty},
                                        {"derive_key", too_early},
                                        SCRIPT_END};
    struct script script;
    script_start(&script, steps);
    char key[64] = "";
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    assert_true(derive(&script, key, sizeof(KEY) - 1, NULL));
    assert_string_equal(key, KEY);
    char untouched[64] = "untouched";
    assert_false(derive(&script, untouched, sizeof(KEY), &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_PROTOCOL);
    assert_false(derive(&script, untouched, 1, &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_PROTOCOL);
    assert_false(derive(&script, untouched, 1, &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_NOT_KEYED);
    assert_string_equal(error.daemon_code, "not-keyed");
    assert_string_equal(untouched, "untouched");
    script_end(&script);
}

/* ---- sessions that move ---- */

static void fill_export(struct writer *writer)
{
    writer_text(writer, "session", SCRIPT_ID);
    writer_text(writer, "export", "{\"wormholed\":1}");
}

static void exported(struct script *script, const struct message *request)
{
    result_if(script, request,
              script_says(request, "session", "laptop") && request->params->via.map.size == 1,
              fill_export);
}

static void fill_done(struct writer *writer)
{
    writer_text(writer, "session", SCRIPT_ID);
    writer_nil(writer, "export");
}

static void export_done(struct script *script, const struct message *request)
{
    result_if(script, request,
              script_says(request, "session", "laptop") && script_flags(request, "done", true),
              fill_done);
}

static void not_exportable(struct script *script, const struct message *request)
{
    script_error(script, request, IPC_NOT_EXPORTABLE);
}

static void exporting(void **state)
{
    (void)state;
    static const struct step steps[] = {{"export", exported},       {"export", export_done},
                                        {"export", not_exportable}, {"export", empty},
                                        {"export", too_early},      SCRIPT_END};
    struct script script;
    script_start(&script, steps);
    char *text = wormclient_export(script.client, "laptop", NULL);
    assert_string_equal(text, "{\"wormholed\":1}");
    wormclient_secret_free(text);
    wormclient_secret_free(NULL);
    assert_true(wormclient_export_done(script.client, "laptop", NULL));
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    assert_null(wormclient_export(script.client, "laptop", &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_REFUSED);
    assert_string_equal(error.daemon_code, "not-exportable");
    assert_null(wormclient_export(script.client, "laptop", &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_PROTOCOL);
    assert_false(wormclient_export_done(script.client, "laptop", &error));
    script_end(&script);
}

static void imported(struct script *script, const struct message *request)
{
    script_answer_if(script, request,
                     script_says(request, "export", "{}") && !script_says(request, "name", "n"));
}

static void imported_as(struct script *script, const struct message *request)
{
    script_answer_if(script, request,
                     script_says(request, "export", "{}") && script_says(request, "name", "n"));
}

static void here_already(struct script *script, const struct message *request)
{
    script_error(script, request, IPC_IMPORTED);
}

static void check_import(struct script *script, const char *name)
{
    struct wormclient_session *session = wormclient_import(script->client, "{}", name, NULL);
    assert_non_null(session);
    assert_string_equal(wormclient_session_id(session), SCRIPT_ID);
    wormclient_session_free(session);
}

static void importing(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {"import", imported}, {"import", imported_as}, {"import", here_already}, SCRIPT_END};
    struct script script;
    script_start(&script, steps);
    check_import(&script, NULL);
    check_import(&script, "n");
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    assert_null(wormclient_import(script.client, "{}", NULL, &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_IMPORTED);
    script_end(&script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deriving),
        cmocka_unit_test(exporting),
        cmocka_unit_test(importing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
