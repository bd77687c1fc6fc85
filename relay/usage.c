#include "config.h"

#include "relay/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "service/log.h"

/* A full disk loses thousands of lines: the log reports it at most once in this time, ms. */
#define COMPLAIN_EVERY INT64_C(60000)

struct usage {
    char *path;
    int64_t blur;
    int fd;
    int64_t complain_next; /* clock_monotonic(): not before */
};

/* ---- a line ---- */

static bool has_mood(const struct relay_life *life, const char *mood)
{
    for (unsigned i = 0; i < RELAY_LIFE_SIDES; i++)
        if (strcmp(life->moods[i], mood) == 0)
            return true;
    return false;
}

/* The words of the stock relay's record, and its order; what made way for others, it does not
 * have. */
static const char *result_of(const struct relay_life *life)
{
    return life->crowded                      ? "crowded"
           : life->end == RELAY_LIFE_EXPIRED  ? "pruney"
           : life->end == RELAY_LIFE_MADE_WAY ? "evicted"
           : has_mood(life, "scary")          ? "scary"
           : has_mood(life, "errory")         ? "errory"
           : has_mood(life, "lonely")         ? "lonely"
           : life->joined == 0                ? "lonely"
                                              : "happy";
}

/* As JSON, in whole seconds. */
struct seconds {
    char text[24];
};

static struct seconds seconds(bool known, int64_t ms)
{
    struct seconds seconds = {"null"};
    if (known)
        snprintf(seconds.text, sizeof(seconds.text), "%" PRId64, ms > 0 ? ms / 1000 : 0);
    return seconds;
}

/* Between two times, of which 0 is unknown. */
static struct seconds span(int64_t from, int64_t to)
{
    return seconds(from != 0 && to != 0, to - from);
}

void usage_line(const struct relay_life *life, int64_t blur, char ret_line[USAGE_LINE_SIZE])
{
    int64_t step = blur > 1000 ? blur : 1000;
    snprintf(ret_line, USAGE_LINE_SIZE,
             "{\"began\": %s, \"waited\": %s, \"lasted\": %s, \"nameplate\": %s, \"messages\": "
             "%" PRIu64 ", \"result\": \"%s\"}\n",
             seconds(life->began != 0, life->began - life->began % step).text,
             span(life->began, life->joined).text, span(life->began, life->ended).text,
             life->nameplate ? "true" : "false", life->messages, result_of(life));
}

/* ---- the file ---- */

static int open_file(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static bool make_room(struct usage *usage)
{
    char old[PATH_MAX];
    if (snprintf(old, sizeof(old), "%s.1", usage->path) >= (int)sizeof(old)) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (rename(usage->path, old) != 0)
        return false;
    int fd = open_file(usage->path);
    if (fd < 0)
        return false;
    close(usage->fd);
    usage->fd = fd;
    return true;
}

/* A line that the disk took only a part of would spoil the next one. */
static bool append(struct usage *usage, const char *line)
{
    struct stat status;
    size_t length = strlen(line);
    if (fstat(usage->fd, &status) != 0)
        return false;
    if (S_ISREG(status.st_mode) && status.st_size + (off_t)length > USAGE_MAX) {
        if (!make_room(usage) || fstat(usage->fd, &status) != 0)
            return false;
    }
    ssize_t written = write(usage->fd, line, length);
    if (written == (ssize_t)length)
        return true;
    if (written > 0) {
        errno = ENOSPC;
        if (ftruncate(usage->fd, status.st_size) != 0)
            return false;
    }
    return false;
}

void usage_note(struct usage *usage, const struct relay_life *life)
{
    char line[USAGE_LINE_SIZE];
    usage_line(life, usage->blur, line);
    if (append(usage, line) || clock_monotonic() < usage->complain_next)
        return;
    usage->complain_next = clock_monotonic() + COMPLAIN_EVERY;
    log_warning("relay", "cannot write the usage record %s: %s", usage->path, strerror(errno));
}

struct usage *usage_open(const char *path, int64_t blur, char *ret_why, size_t size)
{
    struct usage *usage = calloc(1, sizeof(*usage));
    char *copy = usage != NULL ? strdup(path) : NULL;
    if (copy == NULL) {
        free(usage);
        snprintf(ret_why, size, "out of memory");
        return NULL;
    }
    *usage = (struct usage){.path = copy, .blur = blur, .fd = open_file(path)};
    if (usage->fd >= 0)
        return usage;
    snprintf(ret_why, size, "cannot write the usage record %s: %s", path, strerror(errno));
    usage_close(usage);
    return NULL;
}

void usage_close(struct usage *usage)
{
    if (usage == NULL)
        return;
    if (usage->fd >= 0)
        close(usage->fd);
    free(usage->path);
    free(usage);
}
