#include "config.h"

#include "fixture.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "content.h"
#include "tempdir.h"

const char *const fixture_versions[] = {"0.1.0-2026-11-23", "0.1.0-2026-11-30",
                                        "0.1.0-2026-12-01-lasting", NULL};
const char *const fixture_daemon_versions[] = {"0.1.0-2026-11-23", "0.1.0-2026-11-30",
                                               "0.1.0-2026-11-30-lasting",
                                               "0.1.0-2026-12-01-lasting", NULL};

static void skip_elsewhere(void)
{
    static const uint16_t one = 1;
    if (sizeof(size_t) == 8 && *(const uint8_t *)&one == 1)
        return;
    print_message("# SKIP the fixtures are of a 64-bit little-endian machine\n");
    skip();
}

char *fixture_copy(const char *version, const char *which)
{
    char source[4096];
    const char *root = getenv("abs_top_srcdir");
    skip_elsewhere();
    snprintf(source, sizeof(source), "%s/tests/fixtures/stores/%s/%s", root == NULL ? "." : root,
             version, which);
    char *copy = tempdir_make();
    DIR *directory = opendir(source);
    if (directory == NULL)
        fail_msg("cannot read %s", source);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        char *from = tempdir_path(source, entry->d_name), *to = tempdir_path(copy, entry->d_name);
        struct content content = content_read(from);
        content_write(to, content.data, content.length);
        free(content.data);
        free(from);
        free(to);
    }
    closedir(directory);
    return copy;
}
