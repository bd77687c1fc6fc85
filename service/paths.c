#include "config.h"

#include "service/paths.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdint.h>
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

/* What is nearest to a path of those above it that are there belongs to another user. */
static bool is_of_another(const char *path, uid_t *ret_owner)
{
    char *copy = strdup(path), *slash;
    struct stat status;
    bool there = false;
    while (copy != NULL) {
        there = stat(copy, &status) == 0;
        if (there || (slash = strrchr(copy, '/')) == NULL || slash == copy)
            break;
        *slash = '\0';
    }
    free(copy);
    *ret_owner = there ? status.st_uid : 0;
    return there && status.st_uid != 0;
}

/* True unless we are root, as after `sudo -E` or `su -m`, and the place that the environment names
 * is a user's. */
static bool may_use(const char *path, const char *option, char *ret_why, size_t size)
{
    uid_t owner;
    if (geteuid() != 0 || !is_of_another(path, &owner))
        return true;
    snprintf(
        ret_why, size,
        "%s is in a directory of user %ju, and this is root: that user could not use what root "
        "puts there; run this as that user, set HOME to root's own, or give %s",
        path, (uintmax_t)owner, option);
    return false;
}

/* The path, or NULL; it is freed. */
static char *usable(char *path, const char *option, char *ret_why, size_t size)
{
    if (path == NULL) {
        snprintf(ret_why, size, "out of memory");
        return NULL;
    }
    if (may_use(path, option, ret_why, size))
        return path;
    free(path);
    return NULL;
}

char *paths_state(const char *name, const char *option, char *ret_why, size_t size)
{
    const char *state = home_variable("XDG_STATE_HOME");
    if (state != NULL)
        return usable(join(state, "/", name), option, ret_why, size);
    char home[HOME_SIZE];
    if (home_directory(home))
        return usable(join(home, "/.local/state/", name), option, ret_why, size);
    snprintf(ret_why, size,
             "no state directory: neither XDG_STATE_HOME nor HOME is an absolute path; "
             "set one of them, or give %s",
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

void paths_make_directory_of(const char *path)
{
    char copy[PATH_MAX];
    if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
        return;
    const char *directory = dirname(copy);
    if (strcmp(directory, "/") == 0 || mkdir(directory, 0700) == 0 || errno != ENOENT)
        return;
    paths_make_directory_of(directory);
    (void)mkdir(directory, 0700); /* whoever needs it will say why not */
}

char *paths_runtime(const char *name, const char *option, char *ret_why, size_t size)
{
    char path[PATH_MAX];
    int length = home_socket(name, path, sizeof(path));
    if (length >= 0 && (size_t)length < sizeof(path))
        return usable(strdup(path), option, ret_why, size);
    snprintf(ret_why, size,
             "no directory for the socket: there is neither XDG_RUNTIME_DIR nor /run/user/%lu, and "
             "no home directory; set XDG_RUNTIME_DIR, or give %s",
             (unsigned long)getuid(), option);
    return NULL;
}

bool paths_may_be_directory(const char *path, char *ret_why, size_t size)
{
    struct stat status;
    bool there = stat(path, &status) == 0;
    if (there ? S_ISDIR(status.st_mode) : errno != ENOTDIR)
        return true;
    snprintf(ret_why, size, "%s is no directory, but %s", path,
             there ? "a file" : "in a path that leads through a file");
    return false;
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
