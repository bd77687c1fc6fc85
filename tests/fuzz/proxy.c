/*
 * A proxy: its URL in the first line, the URL of the relay behind it in the second. Then a byte:
 * how many bytes come at a time, 0 for all at once. The rest comes from the proxy.
 */
#include "config.h"

#include "tests/fuzz/fuzz.h"

#include "net/tunnel.h"

#include <stdlib.h>
#include <string.h>

static bool read_proxy(struct fuzz_input line, struct proxy *ret_proxy)
{
    char *text = fuzz_text(line);
    char why[256] = "";
    bool fine = proxy_parse(text, ret_proxy, why, sizeof(why));

    FUZZ_HOLDS(fine == (why[0] == '\0'));
    FUZZ_HOLDS(!fine || (ret_proxy->url.host[0] != '\0' && ret_proxy->url.port != 0));
    FUZZ_HOLDS(!fine || strchr(ret_proxy->user, ':') == NULL);
    FUZZ_HOLDS(!fine || strpbrk(ret_proxy->password, "\r\n") == NULL);
    free(text);
    return fine;
}

static bool read_url(struct fuzz_input line, struct url *ret_url)
{
    char *text = fuzz_text(line);
    bool fine = url_parse(text, ret_url) == URL_OK;

    free(text);
    return fine;
}

/* What one end of a conversation has come to. */
struct outcome {
    struct tunnel tunnel;
    size_t taken;  /* bytes that were the tunnel's */
    uint64_t said; /* a digest */
};

static void say(struct outcome *outcome)
{
    struct tunnel *tunnel = &outcome->tunnel;

    FUZZ_HOLDS(tunnel->say_length < sizeof(tunnel->say));
    outcome->said = fuzz_digest(outcome->said, tunnel->say, tunnel->say_length);
    tunnel->say_length = 0;
}

/* Feeds one piece. Returns how much of it was taken. */
static size_t feed(struct tunnel *tunnel, struct fuzz_input piece)
{
    uint8_t *bytes = fuzz_copy(piece);
    size_t used = SIZE_MAX;
    enum tunnel_progress progress = tunnel_feed(tunnel, bytes, piece.length, &used);

    FUZZ_HOLDS(progress == tunnel->progress && used > 0 && used <= piece.length);
    FUZZ_HOLDS(progress != TUNNEL_MORE || used == piece.length || tunnel->say_length > 0);
    free(bytes);
    return used;
}

static void converse(struct outcome *outcome, const struct proxy *proxy, const struct url *url,
                     struct fuzz_input input, size_t chunk)
{
    outcome->said = FUZZ_DIGEST;
    outcome->taken = 0;
    tunnel_begin(&outcome->tunnel, proxy, url);
    FUZZ_HOLDS(outcome->tunnel.say_length > 0);
    say(outcome);
    while (input.length > 0 && outcome->tunnel.progress == TUNNEL_MORE) {
        struct fuzz_input rest = input;
        size_t used = feed(&outcome->tunnel, fuzz_piece(&rest, chunk));

        say(outcome);
        input.data += used;
        input.length -= used;
        outcome->taken += used;
    }
}

/* However it comes, it means the same. */
static void check(struct outcome *whole, struct outcome *chunked)
{
    FUZZ_HOLDS(whole->tunnel.progress == chunked->tunnel.progress);
    FUZZ_HOLDS(whole->taken == chunked->taken && whole->said == chunked->said);
    FUZZ_HOLDS(strcmp(whole->tunnel.why, chunked->tunnel.why) == 0);
    FUZZ_HOLDS((whole->tunnel.progress == TUNNEL_REFUSED) == (whole->tunnel.why[0] != '\0'));
    FUZZ_HOLDS(whole->tunnel.head.taken <= HTTP_HEAD_MAX + 1);
    for (const char *c = whole->tunnel.why; *c != '\0'; c++)
        FUZZ_HOLDS(*c >= ' ' && *c <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    struct fuzz_input input = {data, length}, first = {0}, second = {0};
    struct outcome whole, chunked;
    struct proxy proxy;
    struct url url;

    fuzz_line(&input, &first);
    fuzz_line(&input, &second);
    if (!read_proxy(first, &proxy) || !read_url(second, &url))
        return 0;
    uint8_t chunk = fuzz_byte(&input);
    converse(&whole, &proxy, &url, input, SIZE_MAX);
    converse(&chunked, &proxy, &url, input, chunk > 0 ? chunk : SIZE_MAX);
    check(&whole, &chunked);
    return 0;
}
