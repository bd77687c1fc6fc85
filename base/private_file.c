#include "config.h"

#include "base/private_file.h"

#include <stdio.h>
#include <unistd.h>

bool private_file_fits(const struct stat *status, const char *path, char *ret_why, size_t size)
{
    mode_t others = S_IRWXO | (status->st_uid != geteuid() ? S_IWGRP : S_IRWXG);
    /* Execute permission alone opens nothing. */
    if (!S_ISREG(status->st_mode) || (status->st_mode & others & ~(S_IXGRP | S_IXOTH)) == 0)
        return true;
    snprintf(ret_why, size,
             "%s holds secrets, and other users can read it; mend that with: chmod go= '%s'", path,
             path);
    return false;
}

bool private_file_check(const char *path, char *ret_why, size_t size)
{
    struct stat status;
    return stat(path, &status) != 0 || private_file_fits(&status, path, ret_why, size);
}
