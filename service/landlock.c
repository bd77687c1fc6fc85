#include "config.h"

#include "service/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/home.h"

#if HAVE_LINUX_LANDLOCK_H && defined(SYS_landlock_create_ruleset)

#include <linux/landlock.h>

/* Headers are often older than the kernel: the levels of the interface, by themselves. */
#define LEVEL_REFER     2
#define LEVEL_TRUNCATE  3
#define LEVEL_NETWORK   4
#define LEVEL_IOCTL     5
#define LEVEL_SCOPE     6
#define FS_REFER        (UINT64_C(1) << 13)
#define FS_TRUNCATE     (UINT64_C(1) << 14)
#define FS_IOCTL_DEVICE (UINT64_C(1) << 15)
#define NET_BIND_TCP    (UINT64_C(1) << 0)
#define NET_CONNECT_TCP (UINT64_C(1) << 1)
#define SCOPE_ABSTRACT  (UINT64_C(1) << 0)
#define SCOPE_SIGNAL    (UINT64_C(1) << 1)

/* landlock_ruleset_attr of the newest level we know. A kernel takes one that is longer than its
 * own, if what it does not know is zero. */
struct attributes {
    uint64_t files, network, scope;
};

#define READ ((uint64_t)(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR))

#define STORE                                                                                      \
    (READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                        \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |  \
     FS_REFER | FS_TRUNCATE)

#define REMOVE ((uint64_t)LANDLOCK_ACCESS_FS_REMOVE_FILE)

#define SOCKET                                                                                     \
    ((uint64_t)(LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_MAKE_DIR |                        \
                LANDLOCK_ACCESS_FS_MAKE_SOCK) |                                                    \
     REMOVE)

/* What applies to a file that is no directory. */
#define OF_FILES                                                                                   \
    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_EXECUTE |   \
     FS_TRUNCATE | FS_IOCTL_DEVICE)

/* Where libraries, the name service switch, resolvers and certificates have their files. Home
 * directories, the run-time directories of users and temporary directories are not among them, and
 * of /proc nothing that tells of processes. */
static const char *const readable[] = {
    "/etc",
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/gnu/store",
    "/proc/sys",
    "/proc/cmdline",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/sys/devices/system",
    "/dev/urandom",
    "/dev/random",
    "/dev/null",
    "/run/systemd",
    "/run/NetworkManager",
    "/run/resolvconf",
    "/run/connman",
    "/run/netconfig",
    "/run/nscd",
    "/var/db",
    "/var/lib/misc",
    "/var/lib/sss",
};

/* What may be a symbolic link to somewhere else. */
static const char *const linked[] = {
    "/etc/resolv.conf",     "/etc/hosts",
    "/etc/nsswitch.conf",   "/etc/localtime",
    "/etc/gai.conf",        "/etc/ld.so.cache",
    "/etc/ssl/openssl.cnf", "/etc/ssl/certs/ca-certificates.crt",
};

/* Variables that name files, or directories with ':' between them. */
static const char *const variables[] = {
    "SSL_CERT_FILE",   "SSL_CERT_DIR",    "NIX_SSL_CERT_FILE", "OPENSSL_CONF",
    "OPENSSL_MODULES", "OPENSSL_ENGINES", "LD_LIBRARY_PATH",   "TZDIR",
    "HOSTALIASES",     "GCONV_PATH",      "LOCPATH",
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* ---- rules ---- */

static int create_ruleset(const struct attributes *attributes, size_t size, uint32_t flags)
{
    return (int)syscall(SYS_landlock_create_ruleset, attributes, size, flags);
}

/* A place that does not exist, or that nobody lets us into, needs no rule. */
static bool is_absent(int error)
{
    return error == ENOENT || error == ENOTDIR || error == EACCES || error == ELOOP ||
           error == ENAMETOOLONG;
}

/* False if there is no such place: if anything else is wrong, it is noted. */
static bool add(struct landlock *rules, const char *path, uint64_t rights)
{
    struct stat status;
    if (rules->ruleset < 0)
        return true;
    int place = open(path, O_PATH | O_CLOEXEC);
    if (place < 0 && is_absent(errno))
        return false;
    bool known = place >= 0 && fstat(place, &status) == 0;
    struct landlock_path_beneath_attr rule = {
        .allowed_access =
            rights & rules->handled & (known && S_ISDIR(status.st_mode) ? UINT64_MAX : OF_FILES),
        .parent_fd = place,
    };
    if (!known ||
        syscall(SYS_landlock_add_rule, rules->ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
        rules->error = errno;
    if (place >= 0)
        close(place);
    return true;
}

/* A real path is the other one, or lies beneath it. */
static bool is_within(const char *path, const char *other)
{
    size_t length = strcmp(other, "/") == 0 ? 0 : strlen(other);
    return strncmp(path, other, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static bool real_home(char ret_path[PATH_MAX])
{
    char home[HOME_SIZE];
    return home_directory(home) && realpath(home, ret_path) != NULL;
}

/* With a rule, most of what is to be closed would be open: the home directory and those above it,
 * and directories that are everybody's, as /tmp. */
static bool is_wide(const char *directory)
{
    char real[PATH_MAX], home[PATH_MAX];
    struct stat status;
    if (realpath(directory, real) == NULL || stat(real, &status) < 0)
        return true; /* who cannot tell opens less */
    return strcmp(real, "/") == 0 || (status.st_mode & S_IWOTH) != 0 ||
           (real_home(home) && is_within(home, real));
}

static bool is_in_home(const char *directory)
{
    char real[PATH_MAX], home[PATH_MAX];
    return realpath(directory, real) == NULL || (real_home(home) && is_within(real, home));
}

/* The file alone, if the directory is wide. */
static void add_with_directory(struct landlock *rules, const char *path)
{
    char copy[PATH_MAX];
    if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
        return;
    const char *directory = dirname(copy);
    add(rules, is_wide(directory) ? path : directory, READ);
}

/* A symbolic link may be made to point to another file beside it, or be replaced itself. */
void landlock_add_file(struct landlock *rules, const char *path)
{
    char real[PATH_MAX];
    if (path == NULL || rules->ruleset < 0)
        return;
    add_with_directory(rules, path);
    if (realpath(path, real) != NULL)
        add_with_directory(rules, real);
    else if (errno == ENOMEM)
        rules->error = errno;
}

static void add_named(struct landlock *rules, const char *path)
{
    struct stat status;
    if (*path != '/')
        return;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        add(rules, path, READ);
    else
        landlock_add_file(rules, path);
}

static void add_variable(struct landlock *rules, const char *name)
{
    const char *value = getenv(name);
    char *copy = value != NULL ? strdup(value) : NULL, *rest = copy, *path;
    if (value != NULL && copy == NULL)
        rules->error = ENOMEM;
    while ((path = strsep(&rest, ":")) != NULL)
        add_named(rules, path);
    free(copy);
}

void landlock_add_store(struct landlock *rules, const char *path)
{
    if (!add(rules, path, STORE))
        rules->error = ENOENT; /* it is in use: without a rule, it could not be used any more */
}

/* The user's run-time directory goes at the end of a log-in and comes back, as another one, with
 * the next. */
#define RUNTIME "/run/user"

void landlock_add_socket(struct landlock *rules, const char *path)
{
    char copy[PATH_MAX];
    if (rules->ruleset < 0 || snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
        return;
    char *directory = dirname(copy);
    /* Whoever can take away the socket, can take away all that lies beside it. */
    add(rules, directory, is_wide(directory) ? SOCKET & ~REMOVE : SOCKET);
    directory = dirname(directory);
    if (!is_wide(directory) && !is_in_home(directory))
        add(rules, directory, SOCKET);
    if (strncmp(path, RUNTIME "/", strlen(RUNTIME "/")) == 0)
        add(rules, RUNTIME, SOCKET);
}

/* ---- beginning and entering ---- */

/* The service manager may listen on an abstract socket. */
static bool needs_abstract_sockets(void)
{
    const char *name = getenv("NOTIFY_SOCKET");
    return name != NULL && *name == '@';
}

static struct attributes attributes_of(int level, bool dials)
{
    struct attributes attributes = {.files = LANDLOCK_ACCESS_FS_MAKE_SYM |
                                             (LANDLOCK_ACCESS_FS_MAKE_SYM - 1)};
    if (level >= LEVEL_REFER)
        attributes.files |= FS_REFER;
    if (level >= LEVEL_TRUNCATE)
        attributes.files |= FS_TRUNCATE;
    if (level >= LEVEL_NETWORK)
        attributes.network = NET_BIND_TCP | (dials ? 0 : NET_CONNECT_TCP);
    if (level >= LEVEL_IOCTL)
        attributes.files |= FS_IOCTL_DEVICE;
    if (level >= LEVEL_SCOPE)
        attributes.scope = SCOPE_SIGNAL | (needs_abstract_sockets() ? 0 : SCOPE_ABSTRACT);
    return attributes;
}

struct landlock landlock_begin(bool dials)
{
    struct landlock rules = {.ruleset = -1};
    rules.level = create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (rules.level <= 0) {
        rules = (struct landlock){.error = errno, .ruleset = -1};
        return rules;
    }
    struct attributes attributes = attributes_of(rules.level, dials);
    rules.handled = attributes.files;
    rules.ruleset = create_ruleset(&attributes, sizeof(attributes), 0);
    if (rules.ruleset < 0)
        rules.error = errno;
    for (size_t i = 0; i < COUNT(readable); i++)
        add(&rules, readable[i], READ);
    for (size_t i = 0; i < COUNT(linked); i++)
        landlock_add_file(&rules, linked[i]);
    for (size_t i = 0; i < COUNT(variables); i++)
        add_variable(&rules, variables[i]);
    add(&rules, "/dev/null", LANDLOCK_ACCESS_FS_WRITE_FILE);
    return rules;
}

int landlock_enter(struct landlock *rules)
{
    if (rules->error == 0 && syscall(SYS_landlock_restrict_self, rules->ruleset, 0) != 0)
        rules->error = errno;
    if (rules->ruleset >= 0)
        close(rules->ruleset);
    rules->ruleset = -1;
    return rules->error;
}

#else /* the headers of this system do not know it */

struct landlock landlock_begin(bool dials)
{
    (void)dials;
    return (struct landlock){.error = ENOSYS, .ruleset = -1};
}

void landlock_add_store(struct landlock *rules, const char *path)
{
    (void)rules;
    (void)path;
}

void landlock_add_socket(struct landlock *rules, const char *path)
{
    (void)rules;
    (void)path;
}

void landlock_add_file(struct landlock *rules, const char *path)
{
    (void)rules;
    (void)path;
}

int landlock_enter(struct landlock *rules)
{
    return rules->error;
}

#endif
