#include "config.h"

#include "service/paths.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/home.h"

static char *join(const char *directory, const char *between, const char *name)
{
    char *path = NULL;
    return asprintf(&path, "%s%s%s", directory, between, name) < 0 ? NULL : path;
}

static char *checked(char *path, char *ret_why, size_t size)
{
    if (path == NULL)
        snprintf(ret_why, size, "out of memory");
    return path;
}

char *paths_state(const char *name, const char *option, char *ret_why, size_t size)
{
    const char *state = home_variable("XDG_STATE_HOME");
    if (state != NULL)
        return checked(join(state, "/", name), ret_why, size);
    char home[HOME_SIZE];
    if (home_directory(home))
        return checked(join(home, "/.local/state/", name), ret_why, size);
    snprintf(ret_why, size,
             "no state directory: neither XDG_STATE_HOME nor HOME is an absolute path; "
             "set one of them, or give %s DIR",
             option);
    return NULL;
}

bool paths_config(const char *name, char **ret_path)
{
    const char *config = home_variable("XDG_CONFIG_HOME");
    char home[HOME_SIZE];
    bool known = config != NULL || home_directory(home);
    *ret_path = NULL;
    if (config != NULL)
        *ret_path = join(config, "/", name);
    else if (known)
        *ret_path = join(home, "/.config/", name);
    return *ret_path != NULL || !known;
}

char *paths_runtime(const char *name, const char *option, char *ret_why, size_t size)
{
    char path[PATH_MAX];
    int length = home_socket(name, path, sizeof(path));
    if (length >= 0 && (size_t)length < sizeof(path))
        return checked(strdup(path), ret_why, size);
    snprintf(ret_why, size,
             "no directory for the socket: there is neither XDG_RUNTIME_DIR nor /run/user/%lu, and "
             "no home directory; set XDG_RUNTIME_DIR, or give %s PATH",
             (unsigned long)getuid(), option);
    return NULL;
}

bool paths_make_absolute(char **path, char *ret_why, size_t size)
{
    if (**path == '/')
        return true;
    static char start[PATH_MAX];
    bool known = *start || getcwd(start, sizeof(start)) != NULL;
    char *absolute = known ? join(start, "/", *path) : NULL;
    if (absolute == NULL) {
        snprintf(ret_why, size, "cannot make %s an absolute path: %s", *path, strerror(errno));
        return false;
    }
    free(*path);
    *path = absolute;
    return true;
}
