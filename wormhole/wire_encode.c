#include "config.h"

#include "base/hex.h"
#include "base/large.h"
#include "wormhole/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/bounded_json.h"

/* What we call ourselves in `client_version`. */
#define CLIENT_NAME "wormholed"

/* Takes ownership of the object. NULL in, NULL out. */
static char *encode(json_t *object)
{
    char *text = object != NULL ? bounded_json_text(object, JSON_COMPACT) : NULL;

    json_decref(object);
    return text;
}

char *wire_encode_bind(const char *appid, const char *side, const char *version)
{
    return encode(json_pack("{s:s, s:s, s:s, s:[s, s]}", "type", "bind", "appid", appid, "side",
                            side, "client_version", CLIENT_NAME, version));
}

char *wire_encode_submit_permission(const char *stamp)
{
    return encode(json_pack("{s:s, s:s, s:s}", "type", "submit-permissions", "method", "hashcash",
                            "stamp", stamp));
}

char *wire_encode_list(void)
{
    return encode(json_pack("{s:s}", "type", "list"));
}

char *wire_encode_allocate(void)
{
    return encode(json_pack("{s:s}", "type", "allocate"));
}

char *wire_encode_claim(const char *nameplate)
{
    return encode(json_pack("{s:s, s:s}", "type", "claim", "nameplate", nameplate));
}

char *wire_encode_release(const char *nameplate)
{
    /* Not the pack format's optional string, since that would be left out when out of memory,
     * too. */
    if (nameplate == NULL)
        return encode(json_pack("{s:s}", "type", "release"));
    return encode(json_pack("{s:s, s:s}", "type", "release", "nameplate", nameplate));
}

char *wire_encode_open(const char *mailbox, const char *after)
{
    if (after != NULL)
        return encode(
            json_pack("{s:s, s:s, s:s}", "type", "open", "mailbox", mailbox, "after", after));
    return encode(json_pack("{s:s, s:s}", "type", "open", "mailbox", mailbox));
}

char *wire_encode_close(const char *mailbox, const char *mood)
{
    return encode(json_pack("{s:s, s:s, s:s}", "type", "close", "mailbox", mailbox, "mood", mood));
}

char *wire_encode_ping(int64_t number)
{
    return encode(json_pack("{s:s, s:I}", "type", "ping", "ping", (json_int_t)number));
}

/* A body can be as long as 32 MB in hex. It is written straight into the text; a JSON library would
 * copy it several times. */
char *wire_encode_add(const char *phase, const uint8_t *body, size_t length)
{
    static const char before[] = ",\"body\":\"", after[] = "\"}";
    char *head = encode(json_pack("{s:s, s:s}", "type", "add", "phase", phase));
    size_t head_length, hex_length = 2 * length;
    char *text;

    if (head == NULL)
        return NULL;
    head_length = strlen(head) - 1; /* without its brace */
    text = realloc(head, head_length + sizeof(before) + hex_length + sizeof(after));
    if (text == NULL) {
        free(head);
        return NULL;
    }
    (void)large_pages(text, hex_length);
    memcpy(text + head_length, before, sizeof(before) - 1);
    hex_write(text + head_length + sizeof(before) - 1, body, length);
    memcpy(text + head_length + sizeof(before) - 1 + hex_length, after, sizeof(after));
    return text;
}

char *wire_encode_leave(void)
{
    return encode(json_pack("{s:s}", "type", "leave"));
}

char *wire_on_channel(const char *text, int64_t channel)
{
    size_t length = strlen(text) - 1; /* without its last brace */
    size_t room = length + sizeof(",\"channel\":-9223372036854775808}");
    char *copy = malloc(room);

    if (copy != NULL)
        snprintf(copy, room, "%.*s,\"channel\":%" PRId64 "}", (int)length, text, channel);
    return copy;
}
