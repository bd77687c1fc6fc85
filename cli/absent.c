#include "config.h"

#include <stdbool.h>
#include <string.h>

#include "base/wipe.h"
#include "cli/absent.h"
#include "cli/hint.h"
#include "cli/offer.h"
#include "cli/report.h"

/* Whose codes are mixed up, and with which command each is taken. */
static const struct absent_application {
    const char *appid, *command, *maker;
} applications[] = {
    {HINT_APPID, "wormctl accept", "wormctl invite"},
    {OFFER_APPID, "wormctl text receive", "wormctl text send"},
};
#define APPLICATIONS (sizeof(applications) / sizeof(applications[0]))

/* True if the relay lists the number for that application. */
static bool is_listed(struct wormclient *client, const struct wormclient_session *session,
                      const char *appid, const char *code, size_t digits)
{
    struct wormclient_nameplates *nameplates =
        wormclient_nameplates(client, appid, wormclient_session_relay(session), NULL);
    const char *nameplate;
    bool listed = false;

    for (size_t i = 0; nameplates != NULL && !listed; i++) {
        nameplate = wormclient_nameplates_at(nameplates, i);
        if (nameplate == NULL)
            break;
        listed = strlen(nameplate) == digits && strncmp(nameplate, code, digits) == 0;
    }
    wormclient_nameplates_free(nameplates);
    return listed;
}

/* The application at which the number is in use; else the one that is more likely to be meant. */
static const struct absent_application *find_other(struct wormclient *client,
                                                   const struct wormclient_session *session,
                                                   const char *code, size_t digits,
                                                   bool *ret_listed)
{
    const char *used = wormclient_value_text(wormclient_session_view(session), "appid");
    const struct absent_application *likely = NULL;

    for (size_t i = 0; i < APPLICATIONS; i++) {
        const struct absent_application *other = &applications[i];

        if (used != NULL && strcmp(other->appid, used) == 0)
            continue;
        *ret_listed = is_listed(client, session, other->appid, code, digits);
        if (*ret_listed)
            return other;
        likely = likely == NULL ? other : likely;
    }
    return likely;
}

void absent_report(struct wormclient *client, const struct wormclient_session *session)
{
    const char *code = wormclient_session_code(session);
    const struct absent_application *other;
    bool listed = false;
    size_t digits;
    char *command;

    if (code == NULL)
        return;
    digits = strspn(code, "0123456789");
    other = find_other(client, session, code, digits, &listed);
    command = hint_command(session, other->command, NULL);
    if (listed)
        report_note(
            "nobody with this application is at number %.*s, but somebody with another one is; "
            "if the code was made by '%s': %s",
            (int)digits, code, other->maker, command != NULL ? command : other->command);
    else
        report_note(
            "nobody with this application is at number %.*s yet; if the code was made by '%s': "
            "%s",
            (int)digits, code, other->maker, command != NULL ? command : other->command);
    wipe_free(command);
}
