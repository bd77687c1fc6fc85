/* wormholed: keeps Magic Wormhole sessions alive. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/daemon.h"
#include "daemon/settings.h"
#include "service/background.h"

#define EXIT_USAGE 2

static int run(const struct options *options)
{
    struct settings settings;
    char why[1024];
    int status = EXIT_FAILURE;
    if (!settings_read(options, &settings, why, sizeof why))
        fprintf(stderr, "wormholed: %s\n", why);
    else if (!options->own && !background_start())
        perror("wormholed: cannot go into the background");
    else
        status = daemon_run(&settings, background_ready);
    settings_clear(&settings);
    return status;
}

int main(int argc, char **argv)
{
    struct options options;
    int status = EXIT_SUCCESS;
    if (!options_parse(&settings_options, argc, argv, &options))
        status = EXIT_USAGE;
    else if (options.help)
        options_print_help(&settings_options);
    else if (options.version)
        puts(PACKAGE_STRING);
    else
        status = run(&options);
    options_clear(&options);
    return status;
}
