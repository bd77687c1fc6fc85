/* wormholed: keeps Magic Wormhole sessions alive. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/background.h"
#include "daemon/daemon.h"
#include "daemon/options.h"
#include "daemon/settings.h"

#define EXIT_USAGE 2

static int run(const struct options *options)
{
    struct settings settings;
    char why[1024];
    int status = EXIT_FAILURE;
    if (!options_settings(options, &settings, why, sizeof why))
        fprintf(stderr, "wormholed: %s\n", why);
    else if (!options->foreground && !background_start())
        perror("wormholed: cannot go into the background");
    else
        status = daemon_run(&settings, background_ready);
    settings_clear(&settings);
    return status;
}

int main(int argc, char **argv)
{
    struct options options;
    if (!options_parse(argc, argv, &options))
        return EXIT_USAGE;
    if (options.help)
        options_print_help();
    else if (options.version)
        puts(PACKAGE_STRING);
    else
        return run(&options);
    return EXIT_SUCCESS;
}
