#include "config.h"

#include "daemon/hashcash_worker.h"

#include <event2/event.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "wormhole/hashcash.h"

struct permission {
    unsigned bits;
    char *resource;
    permission_done done; /* NULL once cancelled; the loop's */
    void *arg;
    atomic_bool stop;
    bool made;
    char stamp[HASHCASH_STAMP_SIZE];
    struct permission *next;
};

/* The thread and the loop share what the mutex guards; all else is the loop's. */
struct permissions {
    pthread_t thread;
    bool started;
    int bell; /* an eventfd: rings the loop when a stamp is made */
    struct event *rung;

    pthread_mutex_t mutex;
    pthread_cond_t more;
    struct permission *asked;    /* guarded */
    struct permission *answered; /* guarded */
    struct permission *current;  /* guarded: the thread works on it */
    bool ending;                 /* guarded */
};

/* ---- the thread ---- */

static void make(struct permission *permission)
{
    enum hashcash_result result =
        hashcash_solve(permission->bits, permission->resource, clock_now(), randombytes_random(),
                       &permission->stop, permission->stamp);
    permission->made = result == HASHCASH_OK;
}

/* Takes the next one, waiting for it; NULL at the end. The mutex is held. */
static struct permission *take(struct permissions *permissions)
{
    while (permissions->asked == NULL && !permissions->ending)
        pthread_cond_wait(&permissions->more, &permissions->mutex);
    if (permissions->ending)
        return NULL;
    permissions->current = permissions->asked;
    LL_DELETE(permissions->asked, permissions->current);
    return permissions->current;
}

static void *work(void *arg)
{
    struct permissions *permissions = arg;
    struct permission *permission;
    pthread_mutex_lock(&permissions->mutex);
    while ((permission = take(permissions)) != NULL) {
        pthread_mutex_unlock(&permissions->mutex);
        make(permission);
        pthread_mutex_lock(&permissions->mutex);
        permissions->current = NULL;
        LL_APPEND(permissions->answered, permission);
        eventfd_write(permissions->bell, 1);
    }
    pthread_mutex_unlock(&permissions->mutex);
    return NULL;
}

/* ---- the loop ---- */

static void free_permission(struct permission *permission)
{
    free(permission->resource);
    free(permission);
}

static void free_all(struct permission *list)
{
    struct permission *permission, *next;
    LL_FOREACH_SAFE(list, permission, next)
    {
        free_permission(permission);
    }
}

static void on_rung(evutil_socket_t fd, short what, void *arg)
{
    struct permissions *permissions = arg;
    struct permission *permission, *next;
    eventfd_t count;
    (void)what;
    eventfd_read(fd, &count);
    pthread_mutex_lock(&permissions->mutex);
    struct permission *answered = permissions->answered;
    permissions->answered = NULL;
    pthread_mutex_unlock(&permissions->mutex);
    LL_FOREACH_SAFE(answered, permission, next)
    {
        if (permission->done != NULL)
            permission->done(permission->arg, permission->made ? permission->stamp : NULL);
        free_permission(permission);
    }
}

static bool start(struct permissions *permissions)
{
    if (!permissions->started)
        permissions->started = pthread_create(&permissions->thread, NULL, work, permissions) == 0;
    return permissions->started;
}

struct permission *hashcash_worker_ask(struct permissions *permissions, unsigned bits,
                                       const char *resource, permission_done done, void *arg)
{
    struct permission *permission;
    if (bits > PERMISSION_BITS_MAX || !start(permissions))
        return NULL;
    permission = calloc(1, sizeof(*permission));
    if (permission == NULL || (permission->resource = strdup(resource)) == NULL) {
        free(permission);
        return NULL;
    }
    permission->bits = bits;
    permission->done = done;
    permission->arg = arg;
    pthread_mutex_lock(&permissions->mutex);
    LL_APPEND(permissions->asked, permission);
    pthread_cond_signal(&permissions->more);
    pthread_mutex_unlock(&permissions->mutex);
    return permission;
}

void hashcash_worker_cancel(struct permission *permission)
{
    if (permission == NULL)
        return;
    permission->done = NULL;
    permission->stop = true;
}

struct permissions *hashcash_worker_new(struct event_base *base)
{
    struct permissions *permissions = calloc(1, sizeof(*permissions));
    if (permissions == NULL)
        return NULL;
    pthread_mutex_init(&permissions->mutex, NULL);
    pthread_cond_init(&permissions->more, NULL);
    permissions->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (permissions->bell >= 0)
        permissions->rung =
            event_new(base, permissions->bell, EV_READ | EV_PERSIST, on_rung, permissions);
    if (permissions->rung == NULL || event_add(permissions->rung, NULL) < 0) {
        hashcash_worker_free(permissions);
        return NULL;
    }
    return permissions;
}

static void stop(struct permissions *permissions)
{
    pthread_mutex_lock(&permissions->mutex);
    permissions->ending = true;
    if (permissions->current != NULL)
        permissions->current->stop = true;
    pthread_cond_signal(&permissions->more);
    pthread_mutex_unlock(&permissions->mutex);
    if (permissions->started)
        pthread_join(permissions->thread, NULL);
}

void hashcash_worker_free(struct permissions *permissions)
{
    if (permissions == NULL)
        return;
    stop(permissions);
    free_all(permissions->asked);
    free_all(permissions->answered);
    if (permissions->rung != NULL)
        event_free(permissions->rung);
    if (permissions->bell >= 0)
        close(permissions->bell);
    pthread_cond_destroy(&permissions->more);
    pthread_mutex_destroy(&permissions->mutex);
    free(permissions);
}
