/* What a process can do in the sandbox of our daemons, and what it cannot: each attempt is made in
 * a process of its own, since there is no way out. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "service/sandbox.h"

static char top[] = "/tmp/test-sandbox-XXXXXX";
static int rights; /* a descriptor of a port that listens, from before */
static struct sockaddr_in port;

static const char *at(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", top, name);
    return path;
}

static void put(const char *name)
{
    int file = open(at(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(file >= 0);
    assert_int_equal(write(file, "text", 4), 4);
    close(file);
}

static int set_up(void **state)
{
    socklen_t size = sizeof(port);
    (void)state;
    assert_non_null(mkdtemp(top));
    assert_int_equal(mkdir(at("store"), 0700), 0);
    assert_int_equal(mkdir(at("config"), 0700), 0);
    assert_int_equal(mkdir(at("real"), 0700), 0);
    assert_int_equal(mkdir(at("other"), 0700), 0);
    assert_int_equal(mkdir(at("run"), 0700), 0);
    assert_int_equal(mkdir(at("run/own"), 0700), 0);
    assert_int_equal(mkdir(at("home"), 0700), 0);
    assert_int_equal(mkdir(at("home/local"), 0700), 0);
    assert_int_equal(mkdir(at("home/local/run"), 0700), 0);
    assert_int_equal(mkdir(at("public"), 0700), 0);
    assert_int_equal(chmod(at("public"), 01777), 0);
    assert_int_equal(setenv("HOME", at("home"), 1), 0);
    put("home/named");
    put("home/private");
    put("home/local/private");
    put("public/named");
    put("public/private");
    put("store/data");
    put("real/config");
    put("other/secret");
    assert_int_equal(symlink("../real/config", at("config/config")), 0);
    port = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    rights = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(rights, (struct sockaddr *)&port, sizeof(port)), 0);
    assert_int_equal(listen(rights, 8), 0);
    assert_int_equal(getsockname(rights, (struct sockaddr *)&port, &size), 0);
    return 0;
}

static int tear_down(void **state)
{
    char command[64];
    (void)state;
    close(rights);
    snprintf(command, sizeof(command), "rm -r %s", top);
    return system(command);
}

/* ---- attempts: 0, or the errno with which they fail ---- */

static int result(int64_t value)
{
    return value < 0 ? errno : 0;
}

static int read_file(const char *path)
{
    char byte;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    return file < 0 ? errno : result(read(file, &byte, 1));
}

static int use_the_store(void)
{
    int file = open(at("store/new"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (file < 0 || fcntl(file, F_SETLK, &lock) < 0 || fcntl(file, F_DUPFD_CLOEXEC, 3) < 0 ||
        write(file, "text", 4) != 4 || ftruncate(file, 2) < 0 || fsync(file) < 0 ||
        fallocate(file, 0, 0, 4096) < 0)
        return errno;
    void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (map == MAP_FAILED || msync(map, 4096, MS_SYNC) < 0 || close(file) < 0 ||
        rename(at("store/new"), at("store/data")) < 0 || mkdir(at("store/dir"), 0700) < 0 ||
        rmdir(at("store/dir")) < 0 || truncate(at("store/data"), 0) < 0)
        return errno;
    return read_file(at("store/data"));
}

/* As editors, and those who renew certificates, do. */
static int read_what_was_replaced(void)
{
    return read_file(at("config/config")) != 0 ? errno : read_file(at("real/config"));
}

/* What lies in the home directory itself, or in one that is everybody's, does not open that. */
static int read_what_was_named(void)
{
    return read_file(at("home/named")) != 0 ? errno : read_file(at("public/named"));
}

static int read_beside_what_was_named(void)
{
    return read_file(at("home/private"));
}

static int read_beside_in_public(void)
{
    return read_file(at("public/private"));
}

/* Nor does a socket there, or one whose directory is there. */
static int remove_beside_a_socket(void)
{
    return result(unlink(at("home/private")));
}

static int remove_beside_its_directory(void)
{
    return result(unlink(at("home/local/private")));
}

static int read_elsewhere(void)
{
    return read_file(at("other/secret"));
}

static int list_elsewhere(void)
{
    return result(open(at("other"), O_RDONLY | O_DIRECTORY));
}

static int write_settings(void)
{
    return result(open(at("real/config"), O_WRONLY));
}

static int make_file_elsewhere(void)
{
    return result(open(at("other/new"), O_WRONLY | O_CREAT, 0600));
}

static int remove_elsewhere(void)
{
    return result(unlink(at("other/secret")));
}

static int cut_elsewhere(void)
{
    return result(truncate(at("other/secret"), 0));
}

static int move_out_of_the_store(void)
{
    return result(rename(at("store/data"), at("other/data")));
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    bool listens = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
                   listen(fd, 1) == 0;
    return listens ? 0 : errno;
}

static int listen_in_the_home(void)
{
    return listen_at(at("home/socket"));
}

static int listen_again(void)
{
    if (listen_at(at("run/own/socket")) != 0 || unlink(at("run/own/socket")) < 0)
        return errno;
    return open(at("run/own"), O_RDONLY | O_DIRECTORY) < 0 ? errno : 0;
}

/* The directory went and came back. */
static int listen_in_a_new_directory(void)
{
    if (mkdir(at("run/new"), 0700) < 0 || listen_at(at("run/new/socket")) != 0)
        return errno;
    return result(unlink(at("run/new/socket")));
}

static int connect_tcp(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd < 0 ? errno : result(connect(fd, (struct sockaddr *)&port, sizeof(port)));
}

static int bind_tcp(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd < 0 ? errno : result(bind(fd, (struct sockaddr *)&address, sizeof(address)));
}

static int exotic_socket(void)
{
    return result(socket(AF_PACKET, SOCK_DGRAM, 0));
}

/* As the name service switch does when the first name is resolved; a module that libc brings. */
#define MODULE "libnss_compat.so.2"

static bool has_module(void)
{
    void *module = dlopen(MODULE, RTLD_NOW);
    return module != NULL && dlclose(module) == 0;
}

static int load_module(void)
{
    return dlopen(MODULE, RTLD_NOW) != NULL ? 0 : ENOENT;
}

static int resolve(void)
{
    struct addrinfo *found;
    int fault = getaddrinfo("localhost", "80", NULL, &found);
    if (fault == EAI_SYSTEM)
        return errno;
    if (fault != 0)
        return ENOENT;
    freeaddrinfo(found);
    return 0;
}

static int read_for_names_and_certificates(void)
{
    static const char *const files[] = {"/etc/hosts",    "/etc/nsswitch.conf", "/etc/passwd",
                                        "/proc/meminfo", "/dev/urandom",       "/dev/null"};
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
        if (read_file(files[i]) != 0)
            return errno;
    return 0;
}

static void *nothing(void *arg)
{
    return arg;
}

static int begin_thread(void)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, nothing, NULL);
    return error != 0 ? error : pthread_join(thread, NULL);
}

static void *secret_in_thread(void *arg)
{
    *(int *)arg = read_elsewhere();
    return NULL;
}

static int read_elsewhere_in_thread(void)
{
    pthread_t thread;
    int error = 0;
    if (pthread_create(&thread, NULL, secret_in_thread, &error) != 0)
        return EAGAIN;
    pthread_join(thread, NULL);
    return error;
}

static int begin_process(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return result(child);
}

static int begin_program(void)
{
    char *const arguments[] = {(char[]){"true"}, NULL};
    return result(execve("/bin/true", arguments, NULL));
}

static int trace(void)
{
    return result(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int new_namespace(void)
{
    return result(unshare(CLONE_NEWUSER));
}

static int unknown_call(void)
{
    return result(syscall(SYS_bpf, 0, NULL, 0));
}

static int code_that_was_written(void)
{
    void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return map == MAP_FAILED ? EINVAL : result(mprotect(map, 4096, PROT_READ | PROT_EXEC));
}

static int memory_to_write_and_run(void)
{
    void *map =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return map == MAP_FAILED ? errno : 0;
}

static int type_into_a_terminal(void)
{
    return result(ioctl(STDIN_FILENO, TIOCSTI, "x"));
}

static int signal_the_parent(void)
{
    return result(kill(getppid(), 0));
}

static int have_the_parent_signalled(void)
{
    return result(fcntl(rights, F_SETOWN, getppid()));
}

static int own_limits(void)
{
    struct rlimit limit;
    return result(prlimit(0, RLIMIT_NOFILE, NULL, &limit));
}

static int limits_of_the_parent(void)
{
    struct rlimit limit;
    return result(prlimit(getppid(), RLIMIT_NOFILE, NULL, &limit));
}

static int signal_itself(void)
{
    return raise(SIGUSR1) != 0 ? errno : 0;
}

static int what_the_parent_was_told(void)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/environ", (int)getppid());
    return read_file(path);
}

static int tell_the_time(void)
{
    time_t now = time(NULL);
    struct tm parts;
    return localtime_r(&now, &parts) == NULL ? errno : 0;
}

/* ---- the table ---- */

enum part { ANY, SECCOMP, LANDLOCK }; /* what it takes to refuse it */

static const struct attempt {
    const char *what;
    int (*run)(void);
    int error; /* expected; 0: it succeeds */
    int signal;
    enum part part;
    int level; /* of Landlock, from which on it is refused */
} attempts[] = {
    {"use the store", use_the_store, 0, 0, ANY, 0},
    {"read settings that were replaced", read_what_was_replaced, 0, 0, ANY, 0},
    {"read what was named in the home", read_what_was_named, 0, 0, ANY, 0},
    {"listen on its socket again", listen_again, 0, 0, ANY, 0},
    {"listen in the home", listen_in_the_home, 0, 0, ANY, 0},
    {"its own limits", own_limits, 0, 0, ANY, 0},
    {"listen in a new directory", listen_in_a_new_directory, 0, 0, ANY, 0},
    {"connect", connect_tcp, 0, 0, ANY, 0},
    {"load a module", load_module, 0, 0, ANY, 0},
    {"resolve a name", resolve, 0, 0, ANY, 0},
    {"read what names and certificates need", read_for_names_and_certificates, 0, 0, ANY, 0},
    {"begin a thread", begin_thread, 0, 0, ANY, 0},
    {"signal itself", signal_itself, 0, SIGUSR1, ANY, 0},
    {"abort", (int (*)(void))abort, 0, SIGABRT, ANY, 0},
    {"tell the time", tell_the_time, 0, 0, ANY, 0},

    {"read a file elsewhere", read_elsewhere, EACCES, 0, LANDLOCK, 1},
    {"list a directory elsewhere", list_elsewhere, EACCES, 0, LANDLOCK, 1},
    {"read beside what was named", read_beside_what_was_named, EACCES, 0, LANDLOCK, 1},
    {"read beside what was named in public", read_beside_in_public, EACCES, 0, LANDLOCK, 1},
    {"remove beside the directory of a socket", remove_beside_its_directory, EACCES, 0, LANDLOCK,
     1},
    {"remove beside a socket", remove_beside_a_socket, EACCES, 0, LANDLOCK, 1},
    {"read elsewhere in a thread", read_elsewhere_in_thread, EACCES, 0, LANDLOCK, 1},
    {"write to its settings", write_settings, EACCES, 0, LANDLOCK, 1},
    {"make a file elsewhere", make_file_elsewhere, EACCES, 0, LANDLOCK, 1},
    {"remove a file elsewhere", remove_elsewhere, EACCES, 0, LANDLOCK, 1},
    {"read what its parent was told", what_the_parent_was_told, EACCES, 0, LANDLOCK, 1},
    {"cut a file elsewhere", cut_elsewhere, EACCES, 0, LANDLOCK, 3},
    {"move a file out of the store", move_out_of_the_store, EACCES, 0, LANDLOCK, 2},
    {"listen on TCP", bind_tcp, EACCES, 0, LANDLOCK, 4},

    {"begin a process", begin_process, ENOSYS, 0, SECCOMP, 0},
    {"begin a program", begin_program, 0, SIGSYS, SECCOMP, 0},
    {"trace", trace, 0, SIGSYS, SECCOMP, 0},
    {"make a name space", new_namespace, ENOSYS, 0, SECCOMP, 0},
    {"load a program into the kernel", unknown_call, ENOSYS, 0, SECCOMP, 0},
    {"a socket of another family", exotic_socket, ENOSYS, 0, SECCOMP, 0},
    {"run what it has written", code_that_was_written, ENOSYS, 0, SECCOMP, 0},
    {"memory to write and to run", memory_to_write_and_run, ENOSYS, 0, SECCOMP, 0},
    {"type into a terminal", type_into_a_terminal, ENOSYS, 0, SECCOMP, 0},
    {"signal its parent", signal_the_parent, ENOSYS, 0, SECCOMP, 0},
    {"have its parent signalled", have_the_parent_signalled, ENOSYS, 0, SECCOMP, 0},
    {"limits of its parent", limits_of_the_parent, ENOSYS, 0, SECCOMP, 0},
};

static void enter(bool dials, struct sandbox *ret_sandbox)
{
    struct landlock rules = landlock_begin(dials);
    landlock_add_store(&rules, at("store"));
    landlock_add_socket(&rules, at("run/own/socket"));
    landlock_add_socket(&rules, at("home/socket"));
    landlock_add_socket(&rules, at("home/local/run/socket"));
    landlock_add_file(&rules, at("public/named"));
    landlock_add_file(&rules, at("config/config"));
    landlock_add_file(&rules, at("home/named"));
    landlock_add_file(&rules, NULL);
    sandbox_enter(&rules, ret_sandbox);
}

/* What is left out where the kernel lacks the part. */
#define LEFT_OUT 255

static bool is_refused(const struct sandbox *sandbox, const struct attempt *attempt)
{
    if (attempt->part == LANDLOCK)
        return sandbox->landlock >= attempt->level;
    return attempt->part == ANY || sandbox->seccomp;
}

static int try(const struct attempt *attempt, bool dials)
{
    struct sandbox sandbox;
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        prctl(PR_SET_DUMPABLE, 0); /* no core */
        bool makes_sense = attempt->run != load_module || has_module();
        enter(dials, &sandbox);
        _exit(makes_sense && is_refused(&sandbox, attempt) ? attempt->run() : LEFT_OUT);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void does_what_it_has_to_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts); i++) {
        const struct attempt *attempt = &attempts[i];
        int status = try(attempt, true);
        int error = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
        int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        if (error == LEFT_OUT)
            print_message("%s: not refused by this kernel\n", attempt->what);
        else if (error != attempt->error || number != attempt->signal)
            fail_msg("%s: %s, signal %d", attempt->what, strerror(error), number);
    }
}

static void a_relay_connects_nowhere(void **state)
{
    static const struct attempt attempt = {"connect", connect_tcp, EACCES, 0, LANDLOCK, 4};
    int status = try(&attempt, false);
    (void)state;
    assert_true(WIFEXITED(status));
    assert_true(WEXITSTATUS(status) == LEFT_OUT || WEXITSTATUS(status) == EACCES);
}

/* Otherwise everything above would be left out, and nobody would notice. */
static void is_in_force_where_it_can_be(void **state)
{
    struct sandbox sandbox;
    int status;
    bool can_filter = false, can_close = syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0;
#if HAVE_LIBSECCOMP
    const uint32_t action = SECCOMP_RET_KILL_PROCESS;
    can_filter = syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
#endif
    pid_t child = fork();
    (void)state;
    assert_true(child >= 0);
    if (child == 0) {
        enter(true, &sandbox);
        _exit(sandbox.seccomp == can_filter && (sandbox.landlock > 0) == can_close ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void *wait_for_ever(void *arg)
{
    pause();
    return arg;
}

/* Landlock holds those that are begun later only. */
static void says_that_there_are_threads(void **state)
{
    struct sandbox sandbox;
    char said[1024] = "";
    size_t length = 0;
    ssize_t more;
    int ends[2], status;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        pthread_t thread;
        bool threaded = dup2(ends[1], STDERR_FILENO) >= 0 &&
                        pthread_create(&thread, NULL, wait_for_ever, NULL) == 0;
        enter(true, &sandbox);
        _exit(threaded ? 0 : 1);
    }
    close(ends[1]);
    while (length < sizeof(said) - 1 &&
           (more = read(ends[0], said + length, sizeof(said) - 1 - length)) > 0)
        length += (size_t)more;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_non_null(strstr(said, "threads that were begun before it are not in Landlock"));
}

static void tells_what_it_hides(void **state)
{
    char why[512];
    struct sandbox sandbox;
    int status;
    pid_t child = fork();
    (void)state;
    assert_true(child >= 0);
    if (child == 0) {
        enter(true, &sandbox);
        bool right = sandbox_admits(&sandbox, NULL, why, sizeof(why)) &&
                     sandbox_admits(&sandbox, at("config/config"), why, sizeof(why)) &&
                     sandbox_admits(&sandbox, at("other/missing"), why, sizeof(why)) &&
                     sandbox_admits(&sandbox, at("other/secret"), why, sizeof(why)) ==
                         (sandbox.landlock == 0);
        _exit(right ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void has_a_name_for_each_part(void **state)
{
    char text[SANDBOX_TEXT_SIZE];
    (void)state;
    assert_string_equal(sandbox_text(&(struct sandbox){0, false}, text), "none");
    assert_string_equal(sandbox_text(&(struct sandbox){0, true}, text), "seccomp");
    assert_string_equal(sandbox_text(&(struct sandbox){6, false}, text), "Landlock (level 6)");
    assert_string_equal(sandbox_text(&(struct sandbox){12, true}, text),
                        "seccomp, Landlock (level 12)");
}

/* A store that has no rule could not be used any more. */
static void is_left_open_rather_than_unusable(void **state)
{
    (void)state;
    struct landlock rules = landlock_begin(true);
    landlock_add_store(&rules, at("nowhere"));
    assert_int_not_equal(landlock_enter(&rules), 0);
    assert_int_equal(read_elsewhere(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(does_what_it_has_to_and_nothing_else),
        cmocka_unit_test(a_relay_connects_nowhere),
        cmocka_unit_test(is_in_force_where_it_can_be),
        cmocka_unit_test(says_that_there_are_threads),
        cmocka_unit_test(tells_what_it_hides),
        cmocka_unit_test(has_a_name_for_each_part),
        cmocka_unit_test(is_left_open_rather_than_unusable),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
