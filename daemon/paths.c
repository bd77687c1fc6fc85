#include "config.h"

#include "daemon/paths.h"

#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *join(const char *directory, const char *rest)
{
    char *path = NULL;
    return asprintf(&path, "%s%s", directory, rest) < 0 ? NULL : path;
}

/* The specification: relative paths in these variables are invalid and to be ignored; so is an
 * empty one. */
static const char *absolute_variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value == '/' ? value : NULL;
}

/* The pointer of getpwuid() lives until the next call. */
static const char *home_directory(void)
{
    const char *home = absolute_variable("HOME");
    if (home)
        return home;
    const struct passwd *entry = getpwuid(getuid());
    return entry && entry->pw_dir && *entry->pw_dir == '/' ? entry->pw_dir : NULL;
}

static char *checked(char *path, char *ret_why, size_t size)
{
    if (!path)
        snprintf(ret_why, size, "out of memory");
    return path;
}

char *paths_state(char *ret_why, size_t size)
{
    const char *state = absolute_variable("XDG_STATE_HOME");
    if (state)
        return checked(join(state, "/wormholed"), ret_why, size);
    const char *home = home_directory();
    if (home)
        return checked(join(home, "/.local/state/wormholed"), ret_why, size);
    snprintf(ret_why, size,
             "no place for the state: neither XDG_STATE_HOME nor HOME is an absolute path; "
             "set one, or give --state DIR");
    return NULL;
}

char *paths_socket(char *ret_why, size_t size)
{
    const char *runtime = absolute_variable("XDG_RUNTIME_DIR");
    if (runtime)
        return checked(join(runtime, "/wormholed/socket"), ret_why, size);
    char directory[64];
    struct stat status;
    snprintf(directory, sizeof directory, "/run/user/%lu", (unsigned long)getuid());
    if (stat(directory, &status) == 0 && status.st_uid == getuid())
        return checked(join(directory, "/wormholed/socket"), ret_why, size);
    snprintf(ret_why, size,
             "no place for the socket: XDG_RUNTIME_DIR is not an absolute path and %s is not there "
             "or not ours; set XDG_RUNTIME_DIR, or give --socket PATH",
             directory);
    return NULL;
}

char *paths_absolute(const char *path)
{
    if (*path == '/')
        return strdup(path);
    char directory[PATH_MAX];
    if (!getcwd(directory, sizeof directory))
        return NULL;
    char *absolute = NULL;
    return asprintf(&absolute, "%s/%s", directory, path) < 0 ? NULL : absolute;
}
