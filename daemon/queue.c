#include "config.h"

#include "daemon/queue.h"

#include <stddef.h>

#include "daemon/request.h"

void queue_empty(struct queue *queue)
{
    queue->first = NULL;
    queue->end = &queue->first;
}

void queue_add(struct queue *queue, struct request *request)
{
    request->next = NULL;
    *queue->end = request;
    queue->end = &request->next;
}

struct request *queue_take(struct queue *queue)
{
    struct request *request = queue->first;
    if (request != NULL && (queue->first = request->next) == NULL)
        queue->end = &queue->first;
    return request;
}

void queue_free(struct queue *queue)
{
    struct request *request;
    while ((request = queue_take(queue)) != NULL)
        request_free(request);
}
