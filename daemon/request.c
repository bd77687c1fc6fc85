#include "config.h"

#include "daemon/request.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* What any step may rewrite besides messages: a record and its index rows, a few LMDB pages each.
 */
#define ROOM_FOR_RECORD ((size_t)64 * 1024)

struct request *request_new(const uint8_t id[SESSION_ID_BYTES])
{
    struct request *request = calloc(1, sizeof(*request));
    if (request != NULL)
        memcpy(request->id, id, SESSION_ID_BYTES);
    return request;
}

bool request_set_event(struct request *request, const struct session_event *event)
{
    const void *source = event->text != NULL ? (const void *)event->text : event->data;
    size_t length = event->text != NULL   ? strlen(event->text) + 1
                    : event->data != NULL ? event->length
                                          : 0;
    request->event = *event;
    if (source == NULL)
        return true;
    request->data = malloc(length + 1);
    if (request->data == NULL)
        return false;
    memcpy(request->data, source, length);
    request->length = length;
    request->event.text = event->text != NULL ? request->data : NULL;
    request->event.data = event->text != NULL ? NULL : request->data;
    return true;
}

void request_free(struct request *request)
{
    if (request == NULL)
        return;
    if (request->data != NULL)
        sodium_memzero(request->data, request->length);
    free(request->data);
    wire_free(&request->relay);
    session_free(request->created);
    outcome_clear(&request->outcome);
    free(request);
}

size_t request_room(const struct request *request)
{
    size_t data = request->length + request->relay.body_length;
    return data > 0 || request->created != NULL ? ROOM_FOR_RECORD + data : 0;
}

bool request_is_wanted(const struct request *request)
{
    return request->done != NULL;
}
