/*
 * Routes (doc/lasting.md, §7): a lasting session may have several relays. Both ends have one list
 * of them; the first is the one to go to. A visit goes to one route; a *round* is what an end does
 * where a session with one relay has a visit: it goes through the routes until one has served,
 * which is usually the first. A route that cannot be reached is no failure as long as another one
 * can.
 */
#include "config.h"

#include "wormhole/payload.h"
#include "wormhole/visit.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a round: a bit for each slot that was tried; then, that it goes to all of them, the first one
 * last; and that a relay was reached in it. */
#define ROUND_LOOKS (1U << SESSION_ROUTE_SLOTS)
#define ROUND_WENT  (ROUND_LOOKS << 1)

/* Every so many rounds all routes are looked at: the peer may reach others only. */
#define LOOK_EVERY 6
/* How long a connection is held for the peer's word, ms, while there are others where it may be. */
#define WORD_PATIENCE ((int64_t)15 * 1000)
/* How long one is held at all before the others are looked at: where nothing is missing, and where
 * something is. A stock relay keeps what is at the others for longer than the second. */
#define HOLD_SERVED   ((int64_t)15 * 60 * 1000)
#define HOLD_UNSERVED ((int64_t)5 * 60 * 1000)
/* A peer that changes the routes again is followed no earlier, ms. */
#define CHANGE_MIN ((int64_t)60 * 1000)

_Static_assert(SESSION_ROUTES_MAX == PAYLOAD_ROUTES_MAX && SESSION_ROUTE_MAX == PAYLOAD_ROUTE_MAX,
               "what a session has can be said");

static bool has_list(const struct session *session)
{
    return session->routes_version > 0;
}

static uint32_t bit(int slot)
{
    return 1U << slot;
}

/* ---- the slots ---- */

static const char *url_of(const struct session *session, int slot)
{
    return has_list(session) ? session->route_urls[slot] : session->relay;
}

static uint32_t number_of(const struct session *session, int slot)
{
    return has_list(session) ? session->route_numbers[slot] : 0;
}

/* The slot of the route with this number; -1: none. */
static int slot_of(const struct session *session, uint32_t number)
{
    if (!has_list(session))
        return number == 0 ? 0 : -1;
    for (int i = 0; i < SESSION_ROUTE_SLOTS; i++)
        if (session->route_urls[i] != NULL && session->route_numbers[i] == number)
            return i;
    return -1;
}

/* Those that are visited. */
static uint32_t slots(const struct session *session)
{
    uint32_t found = 0;
    for (int i = 0; i < SESSION_ROUTE_SLOTS; i++)
        if (url_of(session, i) != NULL && (has_list(session) || i == 0))
            found |= bit(i);
    return found & ~session->routes_shut;
}

static int first_of(uint32_t set)
{
    int slot = 0;
    while (slot < SESSION_ROUTE_SLOTS && (set & bit(slot)) == 0)
        slot++;
    return slot < SESSION_ROUTE_SLOTS ? slot : -1;
}

/* The next one of a round; -1: it was the last. */
static int next_in(const struct session *session, uint32_t round)
{
    uint32_t left = slots(session) & ~round;
    if ((round & ROUND_LOOKS) != 0 && (left & ~bit(0)) != 0)
        left &= ~bit(0);
    return first_of(left);
}

static int next_of_round(const struct session *session)
{
    return next_in(session, session->route_round);
}

bool session_routed(const struct session *session)
{
    return (slots(session) & (slots(session) - 1)) != 0;
}

static void empty_slot(struct session *session, int slot)
{
    free(session->route_urls[slot]);
    session->route_urls[slot] = NULL;
    session->route_numbers[slot] = 0;
    session->routes_shut &= ~bit(slot);
    session->left_routes &= ~bit(slot);
}

/* ---- where a visit goes ---- */

struct choice {
    int slot;
    bool shut; /* it is left out, as the peer knows: only to close its mailbox */
};

static bool is_left(const struct session *session, int slot)
{
    return lasting_has_left(session) &&
           (has_list(session) ? session->left_routes & bit(slot) : true);
}

static struct choice choose(const struct session *session)
{
    bool closes = !session_alive(session) && !session->flush;
    int slot = next_of_round(session);
    if (!closes && routes_to_shut(session))
        return (struct choice){.slot = first_of(session->routes_shut), .shut = true};
    if (has_list(session) && lasting_has_left(session) && (closes || session->failures == 0) &&
        session->left_routes != 0)
        slot = first_of(session->left_routes);
    return (struct choice){.slot = slot < 0 ? 0 : slot};
}

bool routes_to_shut(const struct session *session)
{
    return session->routes_shut != 0 && !lasting_has_old(session) && session->failures == 0;
}

void routes_choose(struct session *session)
{
    struct choice choice = choose(session);
    if (next_of_round(session) < 0)
        session->route_round = 0;
    session->visit->route = number_of(session, choice.slot);
    session->visit->shut = choice.shut;
}

bool routes_visit_left(const struct session *session)
{
    int slot = slot_of(session, session->visit->route);
    return slot >= 0 && is_left(session, slot);
}

static int slot_visited(const struct session *session)
{
    return session->visit != NULL ? slot_of(session, session->visit->route) : choose(session).slot;
}

const char *session_relay(const struct session *session)
{
    int slot = slot_visited(session);
    const char *url = slot < 0 ? NULL : url_of(session, slot);
    return url != NULL ? url : session->relay;
}

bool session_relay_is_peers(const struct session *session)
{
    int slot = slot_visited(session);
    return has_list(session) && slot >= 0 && (session->routes_own & bit(slot)) == 0;
}

/* ---- rounds ---- */

/* Nothing is known to be missing that may be found elsewhere. */
static bool is_served(const struct session *session)
{
    const struct visit *visit = session->visit;
    return session_alive(session) && session->routes_met && visit->peer_stated &&
           !visit->incomplete && session->sent == session->delivered && !lasting_has_old(session);
}

static enum routes_turn end_round(struct session *session, bool held)
{
    bool went = (session->route_round & ROUND_WENT) != 0;
    bool looked = (session->route_round & ROUND_LOOKS) != 0;
    session->route_rounds = looked ? 0 : session->route_rounds + 1;
    bool looks = !looked && (held || session->route_rounds >= LOOK_EVERY - 1);
    session->route_round = looks ? ROUND_LOOKS : 0;
    return went ? ROUTES_OVER : ROUTES_FAILED;
}

/* It was tried only to close something there. */
static bool was_to_close(struct session *session, int slot, bool shut, bool left)
{
    if (shut && slot >= SESSION_ROUTES_MAX)
        empty_slot(session, slot);
    else if (left)
        routes_left_closed(session, number_of(session, slot));
    return shut || left;
}

enum routes_turn routes_visit_ended(struct session *session, bool went)
{
    const struct visit *visit = session->visit;
    int slot = slot_of(session, visit->route);
    if (!has_list(session))
        return went ? ROUTES_OVER : ROUTES_FAILED;
    if (slot < 0 || was_to_close(session, slot, visit->shut, visit->left))
        return ROUTES_OTHER;
    if (!went)
        session->turn_old = false;
    session->route_round |= bit(slot) | (went ? ROUND_WENT : 0);
    bool looks = (session->route_round & ROUND_LOOKS) != 0;
    if (next_of_round(session) >= 0 && (looks || !went || !is_served(session)))
        return ROUTES_OTHER;
    return end_round(session, visit->was_held);
}

enum routes_turn routes_skip(struct session *session)
{
    struct choice choice = choose(session);
    bool left = !choice.shut && is_left(session, choice.slot) &&
                (session->left_routes & bit(choice.slot)) != 0;
    if (!has_list(session))
        return ROUTES_FAILED;
    if (was_to_close(session, choice.slot, choice.shut, left))
        return ROUTES_OTHER;
    session->turn_old = false;
    session->route_round |= bit(choice.slot);
    return next_of_round(session) >= 0 ? ROUTES_OTHER : end_round(session, false);
}

bool routes_close_others(struct session *session)
{
    int slot = slot_of(session, session->visit->route);
    if (slot >= 0)
        session->route_round |= bit(slot) | ROUND_WENT;
    return next_of_round(session) >= 0;
}

bool routes_left_closed(struct session *session, uint32_t number)
{
    int slot = slot_of(session, number);
    if (has_list(session) && slot >= 0)
        session->left_routes &= ~bit(slot);
    if (has_list(session) && session->left_routes != 0)
        return false;
    lasting_forget_left(session);
    return true;
}

void routes_leave(struct session *session)
{
    session->left_routes = has_list(session) ? slots(session) : 0;
}

void routes_shut_closed(struct session *session)
{
    int slot = slot_of(session, session->visit->route);
    if (slot >= SESSION_ROUTES_MAX) /* those before are of the list */
        empty_slot(session, slot);
}

int64_t routes_cap_hold(const struct session *session, int64_t hold)
{
    int64_t most = is_served(session) ? HOLD_SERVED : HOLD_UNSERVED;
    int slot = slot_of(session, session->visit->route);
    if (!session_routed(session) || slot < 0)
        return hold;
    bool more = next_in(session, session->route_round | bit(slot)) >= 0;
    if (more && (session->route_round & ROUND_LOOKS) != 0)
        most = 0;
    else if (more && !is_served(session))
        most = WORD_PATIENCE;
    return hold < most ? hold : most;
}

/* ---- the list ---- */

bool session_route_fits(const char *url)
{
    size_t length = strlen(url);
    for (size_t i = 0; i < length; i++)
        if (url[i] <= ' ' || url[i] > '~' || url[i] == '"' || url[i] == '\\')
            return false;
    return length > 0 && length <= SESSION_ROUTE_MAX;
}

/* The number of a route that an end adds: no other list gives it to another one, for a relay must
 * not be able to tell that another has the same pair. */
static uint32_t new_number(uint32_t version, uint32_t index, enum epoch_role role)
{
    return 2 * SESSION_ROUTES_MAX * version + 2 * index + role;
}

static void add_route(struct payload_routes *list, uint32_t number, const char *url)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (strcmp(list->list[i].url, url) == 0)
            return;
    if (list->count == SESSION_ROUTES_MAX)
        return;
    struct payload_route *route = &list->list[list->count++];
    route->number = number;
    /* Only the introduction's relay, which is never told, may have a longer one. */
    snprintf(route->url, sizeof(route->url), "%s", url);
}

/* What the list was, while it is replaced. */
struct former {
    char *urls[SESSION_ROUTE_SLOTS];
    uint32_t numbers[SESSION_ROUTE_SLOTS];
    uint32_t own, left;
    bool met;
};

static bool take_former(struct step *step, struct former *ret_former)
{
    struct session *session = step->session;
    *ret_former = (struct former){
        .own = session->routes_own, .left = session->left_routes, .met = session->routes_met};
    memcpy(ret_former->urls, session->route_urls, sizeof(ret_former->urls));
    memcpy(ret_former->numbers, session->route_numbers, sizeof(ret_former->numbers));
    memset(session->route_urls, 0, sizeof(session->route_urls));
    memset(session->route_numbers, 0, sizeof(session->route_numbers));
    session->routes_own = session->left_routes = session->routes_shut = session->route_round = 0;
    if (has_list(session))
        return true;
    for (int i = 0; i < SESSION_ROUTE_SLOTS; i++) { /* what the user asked for at the beginning */
        free(ret_former->urls[i]);
        ret_former->urls[i] = NULL;
    }
    ret_former->own = bit(0);
    ret_former->left = bit(0);
    ret_former->met = true;
    return (ret_former->urls[0] = strdup(session->relay)) != NULL;
}

static int former_slot(const struct former *former, uint32_t number)
{
    for (int i = 0; i < SESSION_ROUTE_SLOTS; i++)
        if (former->urls[i] != NULL && former->numbers[i] == number)
            return i;
    return -1;
}

static void put_route(struct step *step, int slot, uint32_t number, const char *url, bool own,
                      bool left)
{
    struct session *session = step->session;
    session->route_urls[slot] = strdup(url);
    step->outcome->no_memory |= session->route_urls[slot] == NULL;
    session->route_numbers[slot] = number;
    session->routes_own |= own ? bit(slot) : 0;
    session->left_routes |= left ? bit(slot) : 0;
}

/* Of the introduction's relay each end has its own URL. A relay that the peer has named stays one
 * that only the peer has named, though the user gives a list that has it, too: most of a list is
 * what there was before. */
static void put_listed(struct step *step, const struct former *former,
                       const struct payload_routes *list, bool ours)
{
    int slot = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct payload_route *route = &list->list[i];
        int was = former_slot(former, route->number);
        const char *before = was >= 0 ? former->urls[was] : NULL;
        const char *url = route->number == 0 ? before : route->url;
        if (url == NULL)
            continue;
        bool same = before != NULL && strcmp(before, url) == 0;
        put_route(step, slot++, route->number, url, same ? (former->own & bit(was)) != 0 : ours,
                  before != NULL && (former->left & bit(was)) != 0);
    }
}

/* The peer may have any of the lists that came since one was met at both ends, and be at its relays
 * only: they stay in use, all of them, until it has this one. */
static bool is_left_out(const struct former *former, int slot)
{
    return (slot < SESSION_ROUTES_MAX || !former->met) && former->urls[slot] != NULL;
}

static void put_left_out(struct step *step, const struct former *former)
{
    int slot = SESSION_ROUTES_MAX;
    for (int i = 0; i < SESSION_ROUTE_SLOTS && slot < SESSION_ROUTE_SLOTS; i++)
        if (is_left_out(former, i) && slot_of(step->session, former->numbers[i]) < 0)
            put_route(step, slot++, former->numbers[i], former->urls[i],
                      (former->own & bit(i)) != 0, (former->left & bit(i)) != 0);
}

static void free_former(struct former *former)
{
    for (int i = 0; i < SESSION_ROUTE_SLOTS; i++)
        free(former->urls[i]);
}

/* The list is in force; the statement that shows it has a number of its own. */
static void adopt(struct step *step, const struct payload_routes *list, bool ours)
{
    struct session *session = step->session;
    struct former former;
    if (!take_former(step, &former))
        step->outcome->no_memory = true;
    session->routes_version = list->version;
    session->routes_by_b = list->by_b;
    put_listed(step, &former, list, ours);
    put_left_out(step, &former);
    free_former(&former);
    session->routes_met = false;
    if (lasting_has_left(session) && session->left_routes == 0)
        lasting_forget_left(session);
    if (step->outcome->no_memory)
        return;
    step_set_text(step, &session->relay, session->route_urls[0], RELAY_MAX);
    receipt_make(step);
    if (session->visit != NULL &&
        (session->visit->shut || slot_of(session, session->visit->route) < 0)) {
        visit_drop(step);
        plan_visit_now(step);
    }
}

void routes_begin(struct step *step, enum epoch_role role, const struct payload_lasting *theirs)
{
    struct session *session = step->session;
    struct payload_routes list = {.version = 1, .count = 1};
    const char *wanted[EPOCH_ROLES][PAYLOAD_ROUTES_WANTED] = {{0}};
    session->peer_routes = theirs->routes;
    for (uint32_t i = 0; i < PAYLOAD_ROUTES_WANTED && theirs->routes; i++) {
        wanted[role][i] = session->route_urls[i + 1];
        wanted[1 - role][i] = i < theirs->wanted ? theirs->urls[i] : NULL;
    }
    for (uint32_t i = 0; i < EPOCH_ROLES * PAYLOAD_ROUTES_WANTED; i++) {
        enum epoch_role from = (enum epoch_role)(i / PAYLOAD_ROUTES_WANTED);
        const char *url = wanted[from][i % PAYLOAD_ROUTES_WANTED];
        if (url != NULL)
            add_route(&list, new_number(1, i % PAYLOAD_ROUTES_WANTED, from), url);
    }
    uint32_t own = bit(0);
    for (uint32_t i = 1; i < list.count; i++)
        for (int j = 0; j < PAYLOAD_ROUTES_WANTED; j++)
            if (wanted[role][j] != NULL && strcmp(wanted[role][j], list.list[i].url) == 0)
                own |= bit((int)i);
    if (list.count == 1) {
        routes_forget(session);
        return;
    }
    adopt(step, &list, false);
    session->routes_own = own;
    session->routes_met = true; /* both have the versions */
}

void routes_forget(struct session *session)
{
    for (int i = 0; i < SESSION_ROUTE_SLOTS; i++)
        empty_slot(session, i);
    session->routes_own = 0;
}

void routes_complete_receipt(const struct session *session, struct payload_routes *ret_routes)
{
    if (!has_list(session))
        return;
    ret_routes->version = session->routes_version;
    ret_routes->by_b = session->routes_by_b;
    for (int i = 0; i < SESSION_ROUTES_MAX && session->route_urls[i] != NULL; i++) {
        struct payload_route *route = &ret_routes->list[ret_routes->count++];
        route->number = session->route_numbers[i];
        if (route->number != 0)
            snprintf(route->url, sizeof(route->url), "%s", session->route_urls[i]);
    }
}

/* Of two lists, the one that is valid. */
static int compare(const struct session *session, const struct payload_routes *list)
{
    if (list->version != session->routes_version)
        return list->version < session->routes_version ? -1 : 1;
    return (int)list->by_b - (int)session->routes_by_b;
}

/* The peer's statement is at a route of the list that it shows. */
static void meet(struct session *session)
{
    int slot = session->visit == NULL ? -1 : slot_of(session, session->visit->route);
    if (slot < 0 || slot >= SESSION_ROUTES_MAX || session->routes_met)
        return;
    session->routes_met = true;
    session->routes_shut = slots(session) & ~(bit(SESSION_ROUTES_MAX) - 1);
}

static bool has_any(const struct session *session, const struct payload_routes *list)
{
    bool any = false;
    for (uint32_t i = 0; i < list->count; i++)
        any |= list->list[i].number != 0 || slot_of(session, 0) >= 0;
    return any;
}

/* A peer that changes its list once a minute does not come so far in an hour; one that goes on to
 * the last version would let nobody else change it. */
#define VERSIONS_AHEAD 64

/* Numbers of versions to come are left for those who will need them. */
static bool is_fair(const struct session *session, const struct payload_routes *list)
{
    bool fair = list->version <= session->routes_version + VERSIONS_AHEAD;
    for (uint32_t i = 0; i < list->count; i++)
        fair &= list->list[i].number / (2 * SESSION_ROUTES_MAX) <= list->version;
    return fair;
}

void routes_take(struct step *step, const struct payload_routes *list)
{
    struct session *session = step->session;
    int64_t since = step->context->now - session->routes_since;
    if (!session_alive(session) || !session->peer_routes || session->visit == NULL ||
        !has_any(session, list) || compare(session, list) < 0 || !is_fair(session, list))
        return;
    if (compare(session, list) > 0) {
        if (session->routes_since != 0 && since >= 0 && since < CHANGE_MIN) {
            session->visit->list_waits = true;
            return;
        }
        session->routes_since = step->context->now;
        adopt(step, list, false);
    }
    meet(session);
}

/* ---- the user ---- */

static bool same_list(const struct session *session, const struct payload_routes *list)
{
    uint32_t i = 0;
    while (i < list->count && url_of(session, (int)i) != NULL &&
           number_of(session, (int)i) == list->list[i].number)
        i++;
    return i == list->count &&
           (i == SESSION_ROUTES_MAX || session->route_urls[i] == NULL || !has_list(session));
}

static void list_wanted(const struct session *session, char *urls, struct payload_routes *ret_list)
{
    enum epoch_role role = lasting_role(session);
    char *rest = urls;
    *ret_list = (struct payload_routes){.version = session->routes_version + 1,
                                        .by_b = role == EPOCH_ROLE_B};
    for (char *url; (url = strtok_r(rest, " ", &rest)) != NULL;) {
        uint32_t number = new_number(ret_list->version, ret_list->count, role);
        for (int i = SESSION_ROUTE_SLOTS - 1; i >= 0; i--)
            if (url_of(session, i) != NULL && strcmp(url_of(session, i), url) == 0)
                number = number_of(session, i);
        add_route(ret_list, number, url);
    }
}

/* All that it leaves out has a place. */
static bool may_leave(const struct session *session, const struct payload_routes *list)
{
    int count = 0;
    for (int i = 0; i < SESSION_ROUTE_SLOTS && has_list(session); i++) {
        bool listed = false;
        for (uint32_t j = 0; j < list->count; j++)
            listed |= list->list[j].number == session->route_numbers[i];
        count += session->route_urls[i] != NULL && !listed &&
                 (i < SESSION_ROUTES_MAX || !session->routes_met);
    }
    return count <= SESSION_ROUTE_SLOTS - SESSION_ROUTES_MAX;
}

enum session_refusal command_move(struct step *step)
{
    struct session *session = step->session;
    struct payload_routes list;
    if (!session_alive(session))
        return SESSION_REFUSED_CLOSED;
    if (session->copied)
        return SESSION_REFUSED_COPIED;
    if (!session_lasting(session) || !session->peer_routes ||
        session->routes_version >= PAYLOAD_ROUTES_VERSION_MAX)
        return SESSION_REFUSED_ROUTES;
    char *urls = strdup(step->event->text);
    if (urls == NULL) {
        step->outcome->no_memory = true;
        return SESSION_ACCEPTED;
    }
    list_wanted(session, urls, &list);
    free(urls);
    if (!may_leave(session, &list))
        return SESSION_REFUSED_MOVING;
    if (list.count > 0 && !same_list(session, &list))
        adopt(step, &list, true);
    command_used(step);
    return SESSION_ACCEPTED;
}
