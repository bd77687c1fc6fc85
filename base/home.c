#include "config.h"

#include "base/home.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool take(const char *path, char ret_path[HOME_SIZE])
{
    if (path == NULL || *path != '/' || strlen(path) >= HOME_SIZE)
        return false;
    strcpy(ret_path, path);
    return true;
}

bool home_directory(char ret_path[HOME_SIZE])
{
    char buffer[HOME_SIZE];
    struct passwd entry, *found = NULL;

    return take(secure_getenv("HOME"), ret_path) ||
           (getpwuid_r(getuid(), &entry, buffer, sizeof(buffer), &found) == 0 && found != NULL &&
            take(found->pw_dir, ret_path));
}

char *home_expand(const char *path, char *ret_why, size_t size)
{
    char home[HOME_SIZE] = "", *expanded = NULL;
    bool begins = path[0] == '~';

    if (begins && path[1] != '\0' && path[1] != '/')
        snprintf(ret_why, size,
                 "only one's own home directory may be written as ~: write the path in full, or "
                 "./%.100s if that is a name",
                 path);
    else if (begins && !home_directory(home))
        snprintf(
            ret_why, size,
            "there is no home directory for ~: HOME is not an absolute path; write the path in "
            "full");
    else if (asprintf(&expanded, "%s%s", home, begins ? path + 1 : path) < 0)
        snprintf(ret_why, size, "out of memory");
    else
        return expanded;
    return NULL;
}

const char *home_variable(const char *name)
{
    const char *value = secure_getenv(name);

    return value != NULL && *value == '/' ? value : NULL;
}

int home_socket(const char *name, char *ret_path, size_t size)
{
    const char *runtime = home_variable("XDG_RUNTIME_DIR");
    const char *state = home_variable("XDG_STATE_HOME");
    char standard[64], home[HOME_SIZE];
    struct stat there;
    bool exists;

    snprintf(standard, sizeof(standard), "/run/user/%lu", (unsigned long)getuid());
    exists = stat(runtime != NULL ? runtime : standard, &there) == 0;
    /* One that is named but is not there is a mistake that the user wants to hear of. */
    if (exists ? there.st_uid == getuid() : runtime != NULL)
        return snprintf(ret_path, size, "%s/%s", runtime != NULL ? runtime : standard, name);
    if (state != NULL)
        return snprintf(ret_path, size, "%s/%s", state, name);
    return home_directory(home) ? snprintf(ret_path, size, "%s/.local/state/%s", home, name) : -1;
}
