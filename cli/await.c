#include "config.h"

#include "cli/await.h"
#include "cli/report.h"

struct await {
    progress_check check;
    struct await_told *told;
};

static void tell_down(const struct wormclient_value *view, struct await_told *told)
{
    const char *why = wormclient_value_text(view, "last_error");
    const char *relay = wormclient_value_text(view, "relay");

    /* The relay may be known to be down before this session ever tried, or be up and of no use. */
    if (told->down || (!wormclient_value_flag(view, "relay_down", false) &&
                       wormclient_value_number(view, "failures", 0) == 0))
        return;
    told->down = true;
    report("cannot get through to the relay %s%s%s", relay != NULL ? relay : "",
           why != NULL ? ": " : "", why != NULL ? why : "");
    report("the daemon goes on trying, and this command goes on waiting");
}

static void tell_text(const struct wormclient_value *view, const char *key, const char *prefix,
                      bool *told)
{
    const char *text = wormclient_value_text(view, key);

    if (text != NULL && !*told) {
        *told = true;
        report_lines(prefix, text);
    }
}

static enum wormclient_progress is_settled(const struct wormclient_session *session, void *arg)
{
    const struct wormclient_value *view = wormclient_session_view(session);
    const struct await *await = arg;
    enum progress progress = await->check(session);

    if (await->told != NULL) {
        tell_text(view, "motd", "the relay says: ", &await->told->motd);
        tell_text(view, "relay_error", "the relay refuses: ", &await->told->error);
        if (progress == PROGRESS_PENDING)
            tell_down(view, await->told);
    }
    return progress == PROGRESS_PENDING ? WORMCLIENT_PENDING : WORMCLIENT_REACHED;
}

static enum exit_status report_never(const struct wormclient_session *session,
                                     enum progress progress)
{
    if (progress != PROGRESS_DEAF)
        return report_ended(session);
    report("the other side gives no receipts, since it is no wormholed; that the relay has all can "
           "be waited for: --for sent");
    return EXIT_FAILED;
}

enum exit_status await_session(struct wormclient *client, const char *session, progress_check check,
                               int64_t timeout, struct await_told *told,
                               struct wormclient_session **ret_session)
{
    struct await await = {.check = check, .told = told};
    struct wormclient_error error = {0};
    struct wormclient_session *view;
    enum exit_status status;
    enum progress progress;

    view = wormclient_wait(client, session, is_settled, &await, timeout, &error);
    if (view == NULL)
        return report_error_about(&error, session);
    progress = check(view);
    status = progress == PROGRESS_REACHED ? EXIT_DONE : report_never(view, progress);
    if (status == EXIT_DONE && ret_session != NULL) {
        *ret_session = view;
        return EXIT_DONE;
    }
    wormclient_session_free(view);
    return status;
}
