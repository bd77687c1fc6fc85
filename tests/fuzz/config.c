/* The daemon's configuration file, with its sections. */
#include "config.h"

#include "tests/fuzz/fuzz.h"

#include "daemon/settings.h"
#include "wormhole/code.h"
#include "wormhole/schedule.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utlist.h>

static void check_appids(const struct settings *settings)
{
    const struct settings_appid *appid;
    struct schedule schedule;
    struct url url;

    LL_FOREACH(settings->sections.appids, appid)
    {
        FUZZ_HOLDS(settings_for_appid(settings, appid->appid) == appid);
        FUZZ_HOLDS(appid->words <= CODE_WORDS_MAX);
        FUZZ_HOLDS(appid->timeout >= 0 && appid->timeout <= SCHEDULE_TIME_MAX);
        FUZZ_HOLDS(!appid->relay || url_parse(appid->relay, &url) == URL_OK);
        FUZZ_HOLDS(!appid->schedule || schedule_parse(appid->schedule, &schedule) == SCHEDULE_OK);
    }
}

static void check_relays(const struct settings *settings)
{
    const struct settings_relay *relay;

    LL_FOREACH(settings->sections.relays, relay)
    {
        const struct proxy *proxy = settings_proxy(settings, &relay->url);

        FUZZ_HOLDS(settings_sections_relay(&settings->sections, &relay->url) == relay);
        FUZZ_HOLDS(relay->proxy.what != SETTINGS_PROXY_NONE || !proxy);
        FUZZ_HOLDS(relay->proxy.what != SETTINGS_PROXY_GIVEN || proxy == relay->proxy.proxy);
        FUZZ_HOLDS(!relay->cafile || settings_cafile(settings, &relay->url) == relay->cafile);
    }
}

static void read_file(const char *path)
{
    struct settings settings = {0};
    struct settings_target target = {.table = settings_options.table, .settings = &settings};
    char why[512] = "";
    bool done = settings_read_file(&target, path, why, sizeof(why));

    FUZZ_HOLDS(done || strlen(why) > 0);
    check_appids(&settings);
    check_relays(&settings);
    settings_clear(&settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    char path[64];
    int file = memfd_create("fuzz", MFD_CLOEXEC);

    FUZZ_HOLDS(file >= 0);
    FUZZ_HOLDS(write(file, data, length) == (ssize_t)length);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    read_file(path);
    close(file);
    return 0;
}
