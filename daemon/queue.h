/* A queue of requests: first in, first out. */
#ifndef DAEMON_QUEUE_H
#define DAEMON_QUEUE_H

struct request;

struct queue {
    struct request *first, **end;
};

void queue_empty(struct queue *queue);
void queue_add(struct queue *queue, struct request *request);

/* NULL if there is none. The caller owns it. */
struct request *queue_take(struct queue *queue);

/* Frees the requests too. */
void queue_free(struct queue *queue);

#endif
