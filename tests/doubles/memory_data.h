/* What the memory store remembers, and how each operation changes it, at once. Results are those of
 * relay/store.h; what is returned is borrowed until the next change. */
#ifndef TESTS_MEMORY_DATA_H
#define TESTS_MEMORY_DATA_H

#include "relay/store.h"

struct memory_data;

struct memory_data *memory_data_new(const struct relay_limits *limits);
void memory_data_free(struct memory_data *data);
void memory_data_set_limits(struct memory_data *data, const struct relay_limits *limits);

enum relay_result memory_data_allocate(struct memory_data *data, const struct relay_who *who,
                                       const char **ret_nameplate);
enum relay_result memory_data_claim(struct memory_data *data, const struct relay_who *who,
                                    const char *nameplate, const char **ret_mailbox);
void memory_data_release(struct memory_data *data, const struct relay_who *who,
                         const char *nameplate);
enum relay_result memory_data_open(struct memory_data *data, const struct relay_who *who,
                                   const char *mailbox);
/* True if this place is one of the mailbox. */
bool memory_data_knows(const struct memory_data *data, const struct relay_who *who,
                       const char *mailbox, const struct relay_position *place);
/* The mailbox's serial; 0 if this side does not have it open. */
uint64_t memory_data_serial(const struct memory_data *data, const struct relay_who *who,
                            const char *mailbox);
/* Fills in a piece of the messages behind number `after`, if there are any for this side. */
void memory_data_read(struct memory_data *data, const struct relay_who *who, const char *mailbox,
                      uint64_t after, struct relay_answer *ret_answer);
enum relay_result memory_data_add(struct memory_data *data, const struct relay_who *who,
                                  const char *mailbox, const struct relay_message *message,
                                  const struct relay_message **ret_stored);
void memory_data_close(struct memory_data *data, const struct relay_who *who, const char *mailbox);
enum relay_result memory_data_list(struct memory_data *data, const struct relay_who *who,
                                   const char *const **ret_nameplates, size_t *ret_count);
void memory_data_touch(struct memory_data *data, const struct relay_who *who, const char *mailbox);
size_t memory_data_expire(struct memory_data *data, int64_t now, unsigned most);
/* The commits are not its business. */
void memory_data_count(const struct memory_data *data, struct relay_counts *ret_counts);

#endif
