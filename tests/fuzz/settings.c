/* The relay's configuration file. */
#include "config.h"

#include "tests/fuzz/fuzz.h"

#include "relay/relay_settings.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void read_file(const char *path)
{
    struct relay_settings settings = {0};
    char why[512] = "";
    struct settings_target target = {.table = relay_settings_options.table, .settings = &settings};
    bool done = settings_read_file(&target, path, why, sizeof(why));

    FUZZ_HOLDS(done || strlen(why) > 0);
    for (unsigned i = 0; i < settings.listen.count; i++) {
        char text[ENDPOINT_TEXT_SIZE];
        union address again;

        endpoint_text(&settings.listen.items[i], text);
        FUZZ_HOLDS(endpoint_parse(text, &again));
    }
    relay_settings_clear(&settings);
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
