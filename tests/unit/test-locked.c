#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <inttypes.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/locked.h"

/* Not a multiple of any alignment. */
#define SIZE 1001
/* More than three slabs hold. */
#define MANY 128

/* ---- slabs are counted, and can be refused ---- */

static int slabs;
static unsigned long mappings; /* made so far */
static bool refused;

void *__real_sodium_malloc(size_t size);
void *__wrap_sodium_malloc(size_t size);
void __real_sodium_free(void *memory);
void __wrap_sodium_free(void *memory);

void *__wrap_sodium_malloc(size_t size)
{
    if (refused)
        return NULL;
    slabs++;
    mappings++;
    return __real_sodium_malloc(size);
}

void __wrap_sodium_free(void *memory)
{
    slabs--;
    __real_sodium_free(memory);
}

static int begin(void **state)
{
    (void)state;
    slabs = 0;
    mappings = 0;
    return 0;
}

/* ---- helpers ---- */

/* Reads what AddressSanitizer would not let us read. */
__attribute__((no_sanitize_address)) static bool is_zero(const volatile uint8_t *memory)
{
    uint8_t all = 0;
    for (size_t i = 0; i < SIZE; i++)
        all |= memory[i];
    return all == 0;
}

static uint8_t *take(struct locked_pool *pool)
{
    uint8_t *piece = locked_new(pool);
    assert_non_null(piece);
    assert_int_equal((uintptr_t)piece % _Alignof(max_align_t), 0);
    assert_true(is_zero(piece));
    return piece;
}

static void take_many(struct locked_pool *pool, uint8_t *pieces[MANY])
{
    for (int i = 0; i < MANY; i++) {
        pieces[i] = take(pool);
        memset(pieces[i], i + 1, SIZE);
    }
}

static bool is_filled(const uint8_t *piece, uint8_t value)
{
    for (size_t i = 0; i < SIZE; i++)
        if (piece[i] != value)
            return false;
    return true;
}

/* What the kernel thinks of the mapping that `memory` is in: "rd wr mr …". */
static void read_flags(const void *memory, char *ret_flags, size_t size)
{
    FILE *file = fopen("/proc/self/smaps", "r");
    uintptr_t from, to, address = (uintptr_t)memory;
    bool inside = false, found = false;
    char line[512];
    assert_non_null(file);
    while (!found && fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2)
            inside = from <= address && address < to;
        found = inside && strncmp(line, "VmFlags:", 8) == 0;
    }
    fclose(file);
    assert_true(found);
    snprintf(ret_flags, size, "%s", line);
}

static bool has_flag(const void *memory, const char *flag)
{
    char flags[512];
    read_flags(memory, flags, sizeof(flags));
    return strstr(flags, flag) != NULL;
}

/* How a child ends that does this; a pool of its own is a copy. */
static int status_of(void (*act)(struct locked_pool *), struct locked_pool *pool)
{
    static const struct rlimit none = {0, 0};
    int status;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGSEGV, SIG_DFL); /* cmocka would go on with the next test */
        signal(SIGABRT, SIG_DFL);
        fclose(stderr); /* what AddressSanitizer or assert() says of it */
        act(pool);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* ---- pieces ---- */

static void pieces_are_zero_and_apart(void **state)
{
    struct locked_pool pool = LOCKED_POOL(SIZE);
    uint8_t *pieces[MANY];
    (void)state;
    take_many(&pool, pieces);
    for (int i = 0; i < MANY; i++)
        assert_true(is_filled(pieces[i], (uint8_t)(i + 1)));
    for (int i = 0; i < MANY; i++)
        locked_free(&pool, pieces[i]);
    locked_free(&pool, NULL);
}

static void what_is_given_back_is_wiped(void **state)
{
    struct locked_pool pool = LOCKED_POOL(SIZE);
    uint8_t *stays = take(&pool), *piece = take(&pool);
    (void)state;
    memset(stays, 1, SIZE);
    memset(piece, 2, SIZE);
    locked_free(&pool, piece);
    assert_true(is_zero(piece));
    assert_true(is_filled(stays, 1));
    assert_ptr_equal(take(&pool), piece);
    locked_free(&pool, piece);
    locked_free(&pool, stays);
}

static void give_back_twice(struct locked_pool *pool)
{
    void *piece = locked_new(pool);
    locked_free(pool, piece);
    locked_free(pool, piece);
}

static void nothing_is_given_back_twice(void **state)
{
    struct locked_pool pool = LOCKED_POOL(SIZE);
    (void)state;
    assert_int_not_equal(status_of(give_back_twice, &pool), 0);
}

/* ---- slabs ---- */

static void slabs_hold_many(void **state)
{
    struct locked_pool pool = LOCKED_POOL(SIZE);
    uint8_t *pieces[MANY];
    (void)state;
    take_many(&pool, pieces);
    assert_true(slabs > 3 && slabs < MANY / 16);
    for (int i = 0; i < MANY; i++)
        locked_free(&pool, pieces[i]);
}

static void one_empty_slab_is_kept(void **state)
{
    struct locked_pool pool = LOCKED_POOL(SIZE);
    uint8_t *pieces[MANY];
    (void)state;
    for (int round = 0; round < 3; round++) {
        take_many(&pool, pieces);
        /* In an order that leaves holes in each of them. */
        for (int i = 0; i < MANY; i++)
            locked_free(&pool, pieces[(unsigned)i * 37 % MANY]);
        assert_int_equal(slabs, 1);
    }
}

static void coming_and_going_maps_nothing(void **state)
{
    struct locked_pool pool = LOCKED_POOL(SIZE);
    uint8_t *pieces[MANY];
    (void)state;
    for (int held = 0; held < MANY; held++) {
        pieces[held] = take(&pool);
        locked_free(&pool, take(&pool));
        unsigned long before = mappings;
        for (int i = 0; i < 100; i++)
            locked_free(&pool, take(&pool));
        assert_int_equal(mappings, before);
    }
    for (int i = 0; i < MANY; i++)
        locked_free(&pool, pieces[i]);
}

static void holes_are_filled(void **state)
{
    struct locked_pool pool = LOCKED_POOL(SIZE);
    uint8_t *pieces[MANY];
    (void)state;
    take_many(&pool, pieces);
    unsigned long before = mappings;
    for (int i = 0; i < MANY; i += 2)
        locked_free(&pool, pieces[i]);
    for (int i = 0; i < MANY; i += 2)
        pieces[i] = take(&pool);
    assert_int_equal(mappings, before);
    for (int i = 0; i < MANY; i++)
        locked_free(&pool, pieces[i]);
}

static void memory_may_run_out(void **state)
{
    struct locked_pool pool = LOCKED_POOL(SIZE);
    (void)state;
    refused = true;
    assert_null(locked_new(&pool));
    refused = false;
    uint8_t *piece = take(&pool);
    refused = true;
    unsigned more = 0;
    uint8_t *pieces[MANY];
    while ((pieces[more] = locked_new(&pool)) != NULL)
        more++;
    refused = false;
    assert_true(more > 0 && more < MANY);
    locked_free(&pool, piece);
    assert_non_null(pieces[more] = locked_new(&pool));
    for (unsigned i = 0; i <= more; i++)
        locked_free(&pool, pieces[i]);
}

/* ---- what is around them ---- */

static void write_behind(struct locked_pool *pool)
{
    volatile uint8_t *highest = locked_new(pool), *piece;
    while (slabs == 1 && (piece = locked_new(pool)) != NULL)
        if (slabs == 1 && piece > highest)
            highest = piece;
    highest[SIZE + _Alignof(max_align_t) - 1] = 1;
}

static void a_guard_stands_behind(void **state)
{
    struct locked_pool pool = LOCKED_POOL(SIZE);
    (void)state;
    assert_int_not_equal(status_of(write_behind, &pool), 0);
}

/* AddressSanitizer only pretends to lock. */
static bool may_lock(void)
{
    static char page[1];
    bool may = mlock(page, sizeof(page)) == 0 && has_flag(page, " lo");
    munlock(page, sizeof(page));
    return may;
}

static void pieces_are_locked_and_not_dumped(void **state)
{
    struct locked_pool pool = LOCKED_POOL(SIZE);
    uint8_t *piece = take(&pool);
    (void)state;
    bool dumped = !has_flag(piece, " dd"), locked = has_flag(piece, " lo");
    locked_free(&pool, piece);
    assert_false(dumped);
    assert_true(locked || !may_lock());
}

/* ---- where nothing may be locked ---- */

/* RLIMIT_MEMLOCK does not bind a process that has CAP_IPC_LOCK. */
static void drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    syscall(SYS_capset, &header, none);
}

static void use_unlocked(struct locked_pool *pool)
{
    static const struct rlimit limit = {0, 0};
    setrlimit(RLIMIT_MEMLOCK, &limit);
    drop_capabilities();
    if (may_lock())
        _exit(1);
    uint8_t *piece = locked_new(pool);
    if (piece == NULL || !is_zero(piece) || !has_flag(piece, " dd") || has_flag(piece, " lo"))
        _exit(2);
    memset(piece, 1, SIZE);
    locked_free(pool, piece);
}

static void without_locking_it_is_memory_all_the_same(void **state)
{
    struct locked_pool pool = LOCKED_POOL(SIZE);
    (void)state;
    assert_int_equal(status_of(use_unlocked, &pool), 0);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pieces_are_zero_and_apart),
        TEST(what_is_given_back_is_wiped),
        TEST(nothing_is_given_back_twice),
        TEST(slabs_hold_many),
        TEST(one_empty_slab_is_kept),
        TEST(coming_and_going_maps_nothing),
        TEST(holes_are_filled),
        TEST(memory_may_run_out),
        TEST(a_guard_stands_behind),
        TEST(pieces_are_locked_and_not_dumped),
        TEST(without_locking_it_is_memory_all_the_same),
    };
    return cmocka_run_group_tests_name("locked", tests, NULL, NULL);
}
