/* The other end of an RPC connection, for tests in one process with the daemon's event loop. It
 * speaks and hears JSON. */
#ifndef TESTS_TALK_H
#define TESTS_TALK_H

#include <stddef.h>

#include <jansson.h>

struct event_base;
struct talk;

/* Takes one end of a socket pair; `base` runs the other end. talk_free(). */
struct talk *talk_new(struct event_base *base, int fd);
void talk_free(struct talk *talk);

/* Sends bytes, while the loop runs. Stops quietly if the other end hangs up or takes no more for a
 * while; returns how many were sent. */
size_t talk_bytes(struct talk *talk, const void *data, size_t length);

/* Sends a value, given as JSON with ' for ", in MessagePack: "[0, 1, 'hello', [{'api': 1}]]". */
void talk_say(struct talk *talk, const char *json);

/* The MessagePack that talk_say would send. free(). */
void *talk_pack(const char *json, size_t *ret_length);

/* Reads all that is there and forgets it, without running the loop. */
void talk_swallow(struct talk *talk);

/* The next message, bytes as text. New. NULL: the other end has hung up. Fails the test if nothing
 * comes. */
json_t *talk_hear(struct talk *talk);

/* Lets the loop do all that it can do now. */
void talk_settle(struct talk *talk);

/* Sends a request and returns its answer [error, result], notifications left aside. New. */
json_t *talk_ask(struct talk *talk, const char *method, const char *params);

/* Asks, and expects a result. New, also used as `json_decref(talk_result(…))`. */
json_t *talk_result(struct talk *talk, const char *method, const char *params);

/* Asks, and expects an error with this code and a sentence that contains `part`. */
void talk_refused(struct talk *talk, const char *method, const char *params, const char *code,
                  const char *part);

#endif
