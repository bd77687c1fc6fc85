/* One change of a session, as watch tells it. */
#ifndef CLI_NEWS_H
#define CLI_NEWS_H

#include "cli/exit.h"
#include "cli/options.h"
#include "cli/snapshot.h"

struct news {
    int64_t change; /* its number */
    int64_t time;   /* when it was noticed */
    const char *session;
    const char *name;                    /* "" if it has none */
    uint32_t events;                     /* of snapshot_compare() */
    int64_t messages;                    /* how many are new */
    const struct wormclient_value *view; /* NULL if the session was forgotten */
};

/* Prints it as a line (or as result_object() does), and flushes. */
enum exit_status news_print(const struct options *options, const struct news *news);

/* Its events as words, with `gap` between them; "" if there is none. New; free(); NULL: out of
 * memory. */
char *news_words(const struct news *news, const char *gap);

#endif
