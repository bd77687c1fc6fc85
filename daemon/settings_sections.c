#include "config.h"

#include "daemon/settings_sections.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/utf8.h"
#include "daemon/relay_list.h"
#include "service/settings_table.h"
#include "wormhole/code.h"
#include "base/locked.h"
#include "wormhole/schedule.h"
#include "wormhole/session.h"

/* ---- values ---- */

static bool set_relay(void *field, const struct settings_bounds *bounds, const char *text,
                      char *ret_why, size_t size)
{
    struct url url;
    enum url_fault fault = url_parse(text, &url);
    if (fault == URL_OK)
        return settings_set_text(field, bounds, text, ret_why, size);
    snprintf(ret_why, size, "%s, as in wss://relay.example.org/v1", url_fault_text(fault));
    return false;
}

const struct settings_type settings_sections_relay_url = {set_relay, settings_print_text};

static bool set_relays(void *field, const struct settings_bounds *bounds, const char *text,
                       char *ret_why, size_t size)
{
    char urls[RELAY_LIST_SIZE];
    const char *fault = relay_list_read(text, SESSION_ROUTES_MAX, urls);
    if (fault == NULL)
        return settings_set_text(field, bounds, urls, ret_why, size);
    snprintf(ret_why, size, "%s", fault);
    return false;
}

const struct settings_type settings_sections_relay_urls = {set_relays, settings_print_text};

static struct locked_pool proxies = LOCKED_POOL(sizeof(struct proxy));

void settings_sections_clear_proxy(struct settings_proxy *proxy)
{
    locked_free(&proxies, proxy->proxy);
    *proxy = (struct settings_proxy){0};
}

/* NULL with a sentence in ret_why. */
static struct proxy *parse_proxy(const char *text, char *ret_why, size_t size)
{
    struct proxy *proxy = locked_new(&proxies);
    if (proxy == NULL)
        snprintf(ret_why, size, "out of memory");
    else if (proxy_parse(text, proxy, ret_why, size))
        return proxy;
    locked_free(&proxies, proxy);
    return NULL;
}

static bool set_proxy(void *field, const struct settings_bounds *bounds, const char *text,
                      char *ret_why, size_t size)
{
    struct settings_proxy *proxy = field, fresh = {.what = SETTINGS_PROXY_NONE};
    (void)bounds;
    if (strcmp(text, "none") != 0) {
        fresh.what = SETTINGS_PROXY_GIVEN;
        if ((fresh.proxy = parse_proxy(text, ret_why, size)) == NULL)
            return false;
    }
    settings_sections_clear_proxy(proxy);
    *proxy = fresh;
    return true;
}

static bool print_proxy(const void *field, FILE *out)
{
    const struct settings_proxy *proxy = field;
    char text[PROXY_TEXT_SIZE] = "none";
    if (proxy->proxy != NULL)
        proxy_text(proxy->proxy, text);
    return proxy->what != SETTINGS_PROXY_UNSAID && fputs(text, out) >= 0;
}

const struct settings_type settings_sections_proxy_url = {set_proxy, print_proxy};

static const char *const isolate_words[] = {
    [SETTINGS_ISOLATE_NO] = "no",
    [SETTINGS_ISOLATE_YES] = "yes",
};

static bool set_isolate(void *field, const struct settings_bounds *bounds, const char *text,
                        char *ret_why, size_t size)
{
    enum settings_isolate *isolate = field;
    (void)bounds;
    for (int i = SETTINGS_ISOLATE_NO; i <= SETTINGS_ISOLATE_YES; i++)
        if (strcmp(text, isolate_words[i]) == 0) {
            *isolate = (enum settings_isolate)i;
            return true;
        }
    snprintf(ret_why, size, "yes or no");
    return false;
}

static bool print_isolate(const void *field, FILE *out)
{
    const enum settings_isolate *isolate = field;
    return *isolate != SETTINGS_ISOLATE_UNSAID && fputs(isolate_words[*isolate], out) >= 0;
}

const struct settings_type settings_sections_isolate = {set_isolate, print_isolate};

static bool set_schedule(void *field, const struct settings_bounds *bounds, const char *text,
                         char *ret_why, size_t size)
{
    struct schedule schedule;
    enum schedule_fault fault = schedule_parse(text, &schedule);
    if (fault == SCHEDULE_OK)
        return settings_set_text(field, bounds, text, ret_why, size);
    snprintf(ret_why, size, "%s", schedule_fault_text(fault));
    return false;
}

static const struct settings_type schedule_text = {set_schedule, settings_print_text};

static const struct settings_bounds timeout = {
    .min = 1000,
    .max = SCHEDULE_TIME_MAX,
};

static const struct settings_bounds words = {
    .min = 1,
    .max = CODE_WORDS_MAX,
};

/* ---- [appid "NAME"] ---- */

#define FIELD(name) offsetof(struct settings_appid, name)

static const struct settings_row appid_rows[] = {
    {"relay", "URL", "relay", &settings_sections_relay_url, FIELD(relay), NULL, SETTINGS_PLAIN},
    {"schedule", "SCHEDULE", "when to visit the relay", &schedule_text, FIELD(schedule), NULL,
     SETTINGS_PLAIN},
    {"timeout", "DURATION", "time in which the peer must come", &settings_duration, FIELD(timeout),
     &timeout, SETTINGS_PLAIN},
    {"expire", "DURATION", "time without news from a peer that has come", &settings_duration,
     FIELD(expire), &timeout, SETTINGS_PLAIN},
    {"words", "N", "words in a generated code", &settings_number, FIELD(words), &words,
     SETTINGS_PLAIN},
};

#undef FIELD

static bool may_be_appid(const char *name)
{
    size_t length = strnlen(name, APPID_MAX + 1);
    return length > 0 && length <= APPID_MAX && !utf8_has_control(name);
}

/* Always returns NULL, with a sentence in ret_why. */
static void *refuse(const char *why, char *ret_why, size_t size)
{
    snprintf(ret_why, size, "%s", why);
    return NULL;
}

static const char *const second = "duplicate section";
static const char *const too_many = "more than 64 sections of this kind";

static void *begin_appid(void *settings, const char *name, char *ret_why, size_t size)
{
    struct settings_sections *sections = settings;
    struct settings_appid *appid;
    unsigned count;
    LL_COUNT(sections->appids, appid, count);
    if (settings_sections_appid(sections, name) != NULL)
        return refuse(second, ret_why, size);
    if (!may_be_appid(name))
        return refuse("an appid has 1 to 128 bytes without control characters", ret_why, size);
    if (count == SETTINGS_SECTIONS_MAX)
        return refuse(too_many, ret_why, size);
    appid = calloc(1, sizeof(*appid));
    if (appid == NULL || (appid->appid = strdup(name)) == NULL) {
        free(appid);
        return refuse("out of memory", ret_why, size);
    }
    LL_PREPEND(sections->appids, appid);
    return appid;
}

const struct settings_appid *settings_sections_appid(const struct settings_sections *sections,
                                                     const char *name)
{
    const struct settings_appid *appid;
    LL_FOREACH(sections->appids, appid)
    {
        if (strcmp(name, appid->appid) == 0)
            return appid;
    }
    return NULL;
}

/* ---- [relay "URL"] ---- */

/* The field is the whole relay. */
static bool set_pins(void *field, const struct settings_bounds *bounds, const char *text,
                     char *ret_why, size_t size)
{
    struct settings_relay *relay = field;
    (void)bounds;
    if (relay->url.tls)
        return pins_parse(text, &relay->pins, ret_why, size);
    snprintf(ret_why, size, "only a relay with a wss:// URL shows a key that could be pinned");
    return false;
}

static bool print_pins(const void *field, FILE *out)
{
    const struct settings_relay *relay = field;
    for (unsigned i = 0; i < relay->pins.count; i++) {
        char text[PIN_TEXT_SIZE];
        pin_text(&relay->pins.items[i], text);
        fprintf(out, "%s%s", i > 0 ? " " : "", text);
    }
    return relay->pins.count > 0;
}

static const struct settings_type relay_pins = {set_pins, print_pins};

#define FIELD(name) offsetof(struct settings_relay, name)

static const struct settings_row relay_rows[] = {
    {"proxy", "URL", "proxy for connections to it, or none", &settings_sections_proxy_url,
     FIELD(proxy), NULL, SETTINGS_SECRET},
    {"isolate-sessions", "yes|no", "a user name at the proxy for each session",
     &settings_sections_isolate, FIELD(isolate), NULL, SETTINGS_PLAIN},
    {"cafile", "FILE", "certificates to trust", &settings_path, FIELD(cafile), NULL,
     SETTINGS_PLAIN},
    {"pin", "sha256:...", "its key's SHA-256; several for a change of keys", &relay_pins, 0, NULL,
     SETTINGS_PLAIN},
};

#undef FIELD

static void *begin_relay(void *settings, const char *name, char *ret_why, size_t size)
{
    struct settings_sections *sections = settings;
    struct settings_relay *relay;
    struct url url;
    unsigned count;
    LL_COUNT(sections->relays, relay, count);
    enum url_fault fault = url_parse(name, &url);
    if (fault != URL_OK)
        return refuse(url_fault_text(fault), ret_why, size);
    if (settings_sections_relay(sections, &url) != NULL)
        return refuse(second, ret_why, size);
    if (count == SETTINGS_SECTIONS_MAX)
        return refuse(too_many, ret_why, size);
    if ((relay = calloc(1, sizeof(*relay))) == NULL)
        return refuse("out of memory", ret_why, size);
    relay->url = url;
    LL_PREPEND(sections->relays, relay);
    return relay;
}

const struct settings_relay *settings_sections_relay(const struct settings_sections *sections,
                                                     const struct url *url)
{
    const struct settings_relay *relay;
    LL_FOREACH(sections->relays, relay)
    {
        if (url_is_same(url, &relay->url))
            return relay;
    }
    return NULL;
}

/* ---- both ---- */

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

const struct settings_section settings_sections_kinds[SETTINGS_SECTIONS_KINDS] = {
    {"appid", appid_rows, COUNT(appid_rows), begin_appid},
    {"relay", relay_rows, COUNT(relay_rows), begin_relay},
};

void settings_sections_clear(struct settings_sections *sections)
{
    struct settings_appid *appid, *next_appid;
    struct settings_relay *relay, *next_relay;
    LL_FOREACH_SAFE(sections->appids, appid, next_appid)
    {
        free(appid->appid);
        free(appid->relay);
        free(appid->schedule);
        free(appid);
    }
    LL_FOREACH_SAFE(sections->relays, relay, next_relay)
    {
        free(relay->cafile);
        settings_sections_clear_proxy(&relay->proxy);
        free(relay);
    }
    *sections = (struct settings_sections){0};
}
