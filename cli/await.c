#include "config.h"

#include "cli/await.h"
#include "cli/report.h"

struct wait_arg {
    progress_check check;
    struct wait_reported *reported;
};

static void report_down(const struct wormclient_value *view, struct wait_reported *reported)
{
    const char *why = wormclient_value_text(view, "last_error");
    const char *relay = wormclient_value_text(view, "relay");

    /* The relay may be known to be down before this session ever tried, or be up and of no use. */
    if (reported->down || (!wormclient_value_flag(view, "relay_down", false) &&
                           wormclient_value_number(view, "failures", 0) == 0))
        return;
    reported->down = true;
    report("cannot get through to the relay %s%s%s", relay != NULL ? relay : "",
           why != NULL ? ": " : "", why != NULL ? why : "");
    report("the daemon goes on trying, and this command goes on waiting");
}

static void report_text(const struct wormclient_value *view, const char *key, const char *prefix,
                        bool *reported)
{
    const char *text = wormclient_value_text(view, key);

    if (text != NULL && !*reported) {
        *reported = true;
        report_lines(prefix, text);
    }
}

static enum wormclient_progress is_settled(const struct wormclient_session *session, void *arg)
{
    const struct wormclient_value *view = wormclient_session_view(session);
    const struct wait_arg *wait = arg;
    enum progress progress = wait->check(session);

    if (wait->reported != NULL) {
        report_text(view, "motd", "the relay says: ", &wait->reported->motd);
        report_text(view, "relay_error", "the relay refuses: ", &wait->reported->error);
        if (progress == PROGRESS_PENDING)
            report_down(view, wait->reported);
    }
    return progress == PROGRESS_PENDING ? WORMCLIENT_PROGRESS_PENDING : WORMCLIENT_PROGRESS_REACHED;
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
                               int64_t timeout, struct wait_reported *reported,
                               struct wormclient_session **ret_session)
{
    struct wait_arg wait = {.check = check, .reported = reported};
    struct wormclient_error error = {0};
    struct wormclient_session *view;
    enum exit_status status;
    enum progress progress;

    view = wormclient_wait(client, session, is_settled, &wait, timeout, &error);
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
