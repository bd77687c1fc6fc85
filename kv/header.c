#include "config.h"

#include "kv/header.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kv/table.h"

/* The first two pages as LMDB 0.9 lays them out in the machine's own sizes and byte order: MDB_page
 * and MDB_meta of its mdb.c. */
struct header_tree {
    uint32_t pad; /* in the first tree: the page size */
    uint16_t flags;
    uint16_t depth;
    size_t numbers[5];
};

struct header_page {
    size_t number;
    uint16_t pad;
    uint16_t flags;
    uint32_t bounds;

    uint32_t magic;
    uint32_t version;
    void *address;
    size_t map_size;
    struct header_tree trees[2]; /* free pages, main */
    size_t last_page;
    size_t transaction;
};

#define HEADER_MAGIC    0xBEEFC0DE
#define HEADER_VERSION  1
#define HEADER_META     0x08 /* the page's flag */
#define HEADER_PAGE_MIN 256
#define HEADER_PAGE_MAX 0x10000

static bool read_page(int file, uint64_t offset, struct header_page *ret_page)
{
    struct header_page page;

    if (pread(file, &page, sizeof(page), (off_t)offset) != (ssize_t)sizeof(page) ||
        !(page.flags & HEADER_META) || page.magic != HEADER_MAGIC || page.version != HEADER_VERSION)
        return false;
    *ret_page = page;
    return true;
}

static bool page_size_valid(uint32_t size)
{
    return size >= HEADER_PAGE_MIN && size <= HEADER_PAGE_MAX && (size & (size - 1)) == 0;
}

/*
 * True if the file reaches as far as its newest transaction says. (LMDB itself would not write free
 * pages at the very end; kv/space.c sees to it that the file is long enough all the same.)
 */
static bool whole(int file, uint64_t length)
{
    struct header_page first, second;

    if (!read_page(file, 0, &first) || !page_size_valid(first.trees[0].pad) ||
        !read_page(file, first.trees[0].pad, &second) || second.trees[0].pad != first.trees[0].pad)
        return false;
    const struct header_page *newest = first.transaction < second.transaction ? &second : &first;
    return newest->last_page >= 1 && newest->last_page < length / newest->trees[0].pad;
}

enum kv_status header_check(int directory, const char *path, const struct open_error *why)
{
    struct stat there;
    int file = openat(directory, HEADER_FILE, O_RDONLY | O_CLOEXEC);

    if (file < 0 && errno == ENOENT)
        return KV_MISSING;
    if (file < 0 || fstat(file, &there) != 0) {
        int error = errno;
        if (file >= 0)
            close(file);
        return open_error_set(why, kv_status_of(error), "cannot read %s/%s: %s", path, HEADER_FILE,
                              strerror(error));
    }
    bool good = S_ISREG(there.st_mode) && whole(file, (uint64_t)there.st_size);
    close(file);
    if (!good)
        return open_error_set(
            why, KV_DAMAGED,
            "%s/%s is damaged or no store of %s; it was left as it is. Put a good "
            "copy in its place, or move all of %s away to begin anew",
            path, HEADER_FILE, why->program, path);
    return KV_OK;
}
