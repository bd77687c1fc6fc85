/* move: gives lasting sessions other relays. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/fields.h"
#include "cli/list.h"
#include "cli/new_session.h"
#include "cli/output.h"

static enum exit_status move_one(struct wormclient *client, const struct cli_options *options,
                                 const char *session, const char *relays)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient_session *moved = wormclient_move(client, session, relays, &error);
    enum exit_status status =
        moved != NULL ? output_session(options, moved) : report_error_about(&error, session);

    wormclient_session_free(moved);
    return status;
}

/* The relays of a session, one of which another takes the place of. New; NULL: it does not have it,
 * or memory is short. */
static char *replace_relay(const char *relays, const char *old, const char *fresh)
{
    size_t length = strlen(old);

    for (const char *at = relays; *at != '\0'; at += strspn(at, " ")) {
        size_t word = strcspn(at, " ");
        char *replaced;

        if (word == length && strncmp(at, old, length) == 0)
            return asprintf(&replaced, "%.*s%s%s", (int)(at - relays), relays, fresh, at + word) < 0
                       ? NULL
                       : replaced;
        at += word;
    }
    return NULL;
}

/* One that cannot be moved does not keep the others from it. */
static enum exit_status move_all(struct wormclient *client, const struct cli_options *options)
{
    struct list_pages pages = {.client = client};
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    const struct wormclient_list *page;
    enum exit_status status = EXIT_DONE;
    size_t count = 0;

    while ((page = list_next_page(&pages, &error)) != NULL)
        for (size_t i = 0; i < wormclient_list_count(page); i++) {
            const struct wormclient_session *session = wormclient_list_at(page, i);
            const char *relays = wormclient_value_text(wormclient_session_view(session), "routes");
            char *replaced =
                report_has_ended(session) || relays == NULL
                    ? NULL
                    : replace_relay(relays, options->text[OPTION_ALL_FROM], options->relays[0]);
            enum exit_status moved =
                replaced == NULL
                    ? EXIT_DONE
                    : move_one(client, options, wormclient_session_id(session), replaced);

            count += replaced != NULL;
            free(replaced);
            if (moved != EXIT_DONE)
                status = moved;
        }
    list_pages_clear(&pages);
    if (error.code != WORMCLIENT_ERROR_NONE)
        return report_error(&error);
    if (count == 0)
        report_note("no session has the relay %s", options->text[OPTION_ALL_FROM]);
    return status;
}

static enum exit_status check_move(const struct cli_options *options)
{
    if (options->relays_count == 0)
        return report_usage("move", "missing option: --relay URL");
    if (options->given[OPTION_ALL_FROM] && options->count > 0)
        return report_usage("move", "give either SESSION or --all-from, not both");
    if (options->given[OPTION_ALL_FROM] && options->relays_count > 1)
        return report_usage("move", "--all-from takes one --relay");
    if (!options->given[OPTION_ALL_FROM] && options->count == 0)
        return report_usage("move", "missing argument: SESSION");
    return EXIT_DONE;
}

static enum exit_status run_move(struct wormclient *client, const struct cli_options *options)
{
    enum exit_status status;
    char *relays;

    if (options->given[OPTION_ALL_FROM])
        return move_all(client, options);
    relays = new_session_join_relays(options, 0);
    if (relays == NULL)
        return report_memory();
    status = move_one(client, options, options->arguments[0], relays);
    free(relays);
    return status;
}

const struct cli_command move_command = {
    .name = "move",
    .usage = "SESSION | --all-from URL",
    .help = "give lasting sessions other relays, which the peer uses as well",
    .details = "With several --relay: the first one is used, the others when it fails. The relays\n"
               "that the session had are visited until the peer has heard of it.",
    .options = OPTION_BIT(OPTION_RELAY) | OPTION_BIT(OPTION_ALL_FROM),
    .fields = fields_view,
    .most = 1,
    .check = check_move,
    .run = run_move,
};
