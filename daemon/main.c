/* wormholed: keeps Magic Wormhole sessions alive. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/daemon.h"
#include "daemon/diagnose.h"
#include "daemon/restoring.h"
#include "daemon/settings.h"
#include "service/background.h"

static int run(const struct service_options *options)
{
    struct settings settings = {0};
    char why[SETTINGS_WHY_SIZE];
    int status = EXIT_FAILURE;
    bool good;
    if (options->diagnose)
        return diagnose_run(options);
    if (options->restore != NULL)
        return restoring_run(options);
    /* This comes first, because a child inherits its parent's memory, but not its memory locks. */
    if (!options->check && !options->print && !options->own && !background_start()) {
        perror("wormholed: cannot run in the background");
        return status;
    }
    good = settings_read(options, &settings, why, sizeof(why));
    if (options->check) {
        settings_warn_of_clients(&settings, stderr);
        good = settings_check(&settings, why, sizeof(why)) && good;
    }
    if (!good)
        options_complain(&settings_options, why);
    else if (options->print)
        status = options_printed(&settings_options, &settings, &settings.origin);
    else if (options->check)
        status = options_checked(settings.config_file);
    else
        status = daemon_run(options, &settings, background_ready);
    settings_clear(&settings);
    return status;
}

int main(int argc, char **argv)
{
    return options_main(&settings_options, argc, argv, run);
}
