/* wormhole-relayd: a rendezvous relay for Magic Wormhole that remembers for weeks. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "relay/relayd.h"
#include "relay/relay_limits.h"
#include "relay/relay_settings.h"

static int run(const struct service_options *options)
{
    struct relay_settings settings;
    char why[SETTINGS_WHY_SIZE];
    int status = EXIT_FAILURE;
    bool good = relay_settings_read(options, &settings, why, sizeof(why));
    if (options->check)
        good = relayd_check(&settings, why, sizeof(why)) && good;
    if (!good)
        options_complain(&relay_settings_options, why);
    else if (options->print)
        status = options_printed(&relay_settings_options, &settings, &settings.origin);
    else if (options->own)
        status = (relay_limits_print(&settings), EXIT_SUCCESS);
    else if (options->check)
        status = options_checked(settings.config_file);
    else
        status = relayd_run(options, &settings);
    relay_settings_clear(&settings);
    return status;
}

int main(int argc, char **argv)
{
    return options_main(&relay_settings_options, argc, argv, run);
}
