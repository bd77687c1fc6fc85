#include "config.h"

#include "tests/simulation/home.h"

#include <string.h>

#include "tests/simulation/trace.h"
#include "tests/simulation/user.h"

/* ---- whose is it? ---- */

/* A session is known from the moment at which it is durable; and one that was handed over lives
 * here from the moment at which it is durable here. */
static void find_user(struct home *home, struct user *user)
{
    const struct session *session;
    if (user->home == home && !user->side.known &&
        disk_find(home->machine.disk, user->side.who, user->side.id)) {
        user->side.known = true;
        strcpy(user->side.text, user_session(user)->side);
    }
    session = disk_session(home->machine.disk, user->side.id);
    if (session == NULL || session->state == SESSION_EXPORTED ||
        (user->home == home && user->luggage == NULL))
        return;
    if (user->home != home && user_session(user) != NULL &&
        user_session(user)->state != SESSION_EXPORTED)
        trace_fail("%s lives in two places", user->side.who);
    trace(user->side.who, "lives on %s now", home->machine.name);
    user_moved(user, home);
}

static struct user *user_of(const struct home *home, const char *side)
{
    for (unsigned i = 0; home->users[i] != NULL; i++)
        if (home->users[i]->home == home && judge_is_side(&home->users[i]->side, side))
            return home->users[i];
    return NULL;
}

static struct user *former_of(const struct home *home, const char *side)
{
    for (unsigned i = 0; home->users[i] != NULL; i++)
        if (home->users[i]->home == home && strcmp(home->users[i]->side.former, side) == 0)
            return home->users[i];
    return NULL;
}

/* ---- what happens on the machine ---- */

static void on_committed(void *arg)
{
    struct home *home = arg;
    for (unsigned i = 0; home->users[i] != NULL; i++) {
        find_user(home, home->users[i]);
        if (home->users[i]->home == home)
            judge_committed(&home->users[i]->side);
    }
}

/* What the machine itself asks the relay for, on a connection that its sessions share. */
static const char sign_of_life[] = "{\"type\":\"ping\",\"ping\":0}";

static void on_told(void *arg, const char *side, const char *text)
{
    struct home *home = arg;
    struct user *user = user_of(home, side), *former = former_of(home, side);
    if (side[0] == '\0' && strcmp(text, sign_of_life) == 0)
        return;
    if (user == NULL && former != NULL)
        judge_told_last(&former->side, text);
    else if (user == NULL)
        trace_fail("%s speaks for a side that is not its own: %s", home->machine.name, text);
    else
        judge_told(&user->side, side, text);
}

static void on_got(void *arg, const char *side, const char *text)
{
    struct home *home = arg;
    struct user *user = user_of(home, side);
    if (user != NULL)
        judge_heard(&user->side, text);
}

static void on_dialled(void *arg)
{
    struct home *home = arg;
    unsigned allowed = 0;
    judge_note(&home->dials);
    for (unsigned i = 0; home->users[i] != NULL; i++)
        if (home->users[i]->home == home)
            allowed += judge_allowance(&home->users[i]->side);
    if (judge_recent(&home->dials) > allowed)
        trace_fail("%s dialled %u times in %d minutes; %u are allowed", home->machine.name,
                   judge_recent(&home->dials), (int)(JUDGE_WINDOW / TIMELINE_MINUTE), allowed);
}

void home_begin(struct home *home, const char *name, struct rendezvous *relay,
                struct user *const users[HOME_USERS + 1])
{
    *home = (struct home){.users = users};
    machine_begin(&home->machine, name, relay);
    home->machine.arg = home->machine.net.arg = home;
    home->machine.committed = on_committed;
    home->machine.net.told = on_told;
    home->machine.net.got = on_got;
    home->machine.net.dialled = on_dialled;
    machine_start(&home->machine);
}

void home_end(struct home *home)
{
    machine_end(&home->machine);
}
