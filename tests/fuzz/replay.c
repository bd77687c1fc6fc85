/*
 * Feeds a target every file of its corpus: with any compiler, and without a fuzzer. The corpus is
 * named by the program (fuzz-NAME reads corpus/NAME), or by arguments: files and directories.
 * A finding ends the program, and the last line on stderr says with which file.
 */
#include "config.h"

#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A corpus is made of small files; what is larger is there by mistake. */
#define FILE_MAX ((size_t)1024 * 1024)

static bool complain(const char *path, const char *why)
{
    fprintf(stderr, "%s: %s\n", path, why);
    return false;
}

static bool replay_file(const char *path, unsigned *count)
{
    static uint8_t bytes[FILE_MAX];
    FILE *file = fopen(path, "re");

    if (file == NULL)
        return complain(path, strerror(errno));
    size_t length = fread(bytes, 1, sizeof(bytes), file);
    bool failed = ferror(file) != 0;

    fclose(file);
    if (failed || length == sizeof(bytes))
        return complain(path, "cannot be read, or is too large");
    fprintf(stderr, "%s\n", path);
    struct fuzz_input input = {bytes, length};
    uint8_t *copy = fuzz_copy(input);

    LLVMFuzzerTestOneInput(copy, length);
    free(copy);
    ++*count;
    return true;
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool replay_directory(const char *path, unsigned *count)
{
    struct dirent **entries;
    int length = scandir(path, &entries, visible, alphasort);
    bool good = true;

    if (length < 0)
        return complain(path, strerror(errno));
    for (int i = 0; i < length; i++) {
        char inner[PATH_MAX];
        int written = snprintf(inner, sizeof(inner), "%s/%s", path, entries[i]->d_name);

        good = written < (int)sizeof(inner) && replay_file(inner, count) && good;
        free(entries[i]);
    }
    free(entries);
    return good;
}

static bool replay(const char *path, unsigned *count)
{
    struct stat found;

    if (stat(path, &found) != 0)
        return complain(path, strerror(errno));
    return S_ISDIR(found.st_mode) ? replay_directory(path, count) : replay_file(path, count);
}

/* "fuzz-NAME" without directories, and without the "fuzz-". */
static const char *target_name(const char *program)
{
    const char *slash = strrchr(program, '/'), *name = slash != NULL ? slash + 1 : program;

    return strncmp(name, "fuzz-", 5) == 0 ? name + 5 : name;
}

static bool replay_own(const char *name, unsigned *count)
{
    const char *top = getenv("abs_top_srcdir");
    char path[PATH_MAX];
    int length = snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s", top ? top : ".", name);

    return length < (int)sizeof(path) && replay(path, count);
}

int main(int argc, char **argv)
{
    const char *name = target_name(argv[0]);
    unsigned count = 0;
    bool good = argc > 1 || replay_own(name, &count);

    for (int i = 1; i < argc; i++)
        good = replay(argv[i], &count) && good;
    /* An empty corpus proves nothing. */
    good = good && count > 0;
    printf("1..1\n%s 1 - %s: %u inputs\n", good ? "ok" : "not ok", name, count);
    return good ? 0 : 1;
}
