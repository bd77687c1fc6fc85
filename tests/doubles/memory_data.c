#include "config.h"

#include "tests/doubles/memory_data.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* Bytes of randomness in a mailbox id, and its length in base32. */
#define MAILBOX_RANDOM 8
#define MAILBOX_LENGTH 13
/* A side, or rather the two that may ever come. */
#define SEATS 2

struct seat {
    char side[RELAY_SIDE_MAX + 1];
    bool taken;
    bool active; /* claimed, and not released; opened, and not closed */
};

struct mailbox {
    char appid[RELAY_APPID_MAX + 1];
    char id[RELAY_MAILBOX_MAX + 1];
    uint64_t serial;
    struct seat seats[SEATS];
    struct relay_message *messages; /* own their strings */
    size_t count;
    uint64_t bytes;
    int64_t active; /* when last */
    struct mailbox *prev, *next;
};

struct nameplate {
    char appid[RELAY_APPID_MAX + 1];
    char name[RELAY_NAMEPLATE_MAX + 1];
    struct seat seats[SEATS];
    bool allocated; /* to the first seat's side */
    struct mailbox *mailbox;
    struct nameplate *prev, *next;
};

struct memory_data {
    struct relay_limits limits;
    struct mailbox *mailboxes;
    struct nameplate *nameplates;
    const char **listed; /* of the last list */
    uint64_t serial;     /* of the newest mailbox */
};

struct memory_data *memory_data_new(const struct relay_limits *limits)
{
    struct memory_data *data = calloc(1, sizeof(*data));

    if (data)
        data->limits = *limits;
    return data;
}

void memory_data_set_limits(struct memory_data *data, const struct relay_limits *limits)
{
    data->limits = *limits;
}

/* The caller has seen to it that it fits. */
static void copy_name(char *to, const char *name, size_t max)
{
    assert(strlen(name) <= max);
    strcpy(to, name);
}

/* ---- seats ---- */

static struct seat *find_seat(struct seat *seats, const char *side)
{
    for (size_t i = 0; i < SEATS; i++) {
        if (seats[i].taken && strcmp(seats[i].side, side) == 0)
            return &seats[i];
    }
    return NULL;
}

/* This side's seat, or a free one; NULL: crowded. */
static struct seat *offer_seat(struct seat *seats, const char *side)
{
    struct seat *seat = find_seat(seats, side);

    for (size_t i = 0; !seat && i < SEATS; i++) {
        if (!seats[i].taken)
            seat = &seats[i];
    }
    return seat;
}

static void sit(struct seat *seat, const char *side)
{
    copy_name(seat->side, side, RELAY_SIDE_MAX);
    seat->taken = seat->active = true;
}

static bool anybody_active(const struct seat *seats)
{
    for (size_t i = 0; i < SEATS; i++) {
        if (seats[i].active)
            return true;
    }
    return false;
}

/* ---- nameplates and mailboxes ---- */

static struct mailbox *find_mailbox(struct memory_data *data, const char *appid, const char *id)
{
    struct mailbox *mailbox;

    DL_FOREACH(data->mailboxes, mailbox)
    {
        if (strcmp(mailbox->appid, appid) == 0 && strcmp(mailbox->id, id) == 0)
            break;
    }
    return mailbox;
}

static struct nameplate *find_nameplate(struct memory_data *data, const char *appid,
                                        const char *name)
{
    struct nameplate *nameplate;

    DL_FOREACH(data->nameplates, nameplate)
    {
        if (strcmp(nameplate->appid, appid) == 0 && strcmp(nameplate->name, name) == 0)
            break;
    }
    return nameplate;
}

static struct mailbox *make_mailbox(struct memory_data *data, const char *appid, const char *id)
{
    struct mailbox *mailbox = calloc(1, sizeof(*mailbox));

    if (!mailbox)
        return NULL;
    copy_name(mailbox->appid, appid, RELAY_APPID_MAX);
    copy_name(mailbox->id, id, RELAY_MAILBOX_MAX);
    mailbox->serial = ++data->serial;
    DL_APPEND(data->mailboxes, mailbox);
    return mailbox;
}

static void delete_nameplate(struct memory_data *data, struct nameplate *nameplate)
{
    DL_DELETE(data->nameplates, nameplate);
    free(nameplate);
}

static void free_message(struct relay_message *message)
{
    free((char *)message->side);
    free((char *)message->phase);
    free((char *)message->body);
    free((char *)message->id);
}

static void delete_mailbox(struct memory_data *data, struct mailbox *mailbox)
{
    struct nameplate *nameplate, *next;

    DL_FOREACH_SAFE(data->nameplates, nameplate, next)
    {
        if (nameplate->mailbox == mailbox)
            delete_nameplate(data, nameplate);
    }
    for (size_t i = 0; i < mailbox->count; i++)
        free_message(&mailbox->messages[i]);
    free(mailbox->messages);
    DL_DELETE(data->mailboxes, mailbox);
    free(mailbox);
}

void memory_data_free(struct memory_data *data)
{
    if (!data)
        return;
    while (data->mailboxes)
        delete_mailbox(data, data->mailboxes);
    free(data->listed);
    free(data);
}

/* Random bytes in base32 (RFC 4648), lower case, without padding: what stock relays give out. */
static void make_mailbox_id(char ret_id[MAILBOX_LENGTH + 1])
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint8_t bytes[MAILBOX_RANDOM + 1] = {0}; /* the last digit reaches beyond the 64 bits */

    randombytes_buf(bytes, MAILBOX_RANDOM);
    for (size_t i = 0; i < MAILBOX_LENGTH; i++) {
        size_t bit = 5 * i;
        unsigned two = (unsigned)bytes[bit / 8] << 8 | bytes[bit / 8 + 1];

        ret_id[i] = digits[two >> (11 - bit % 8) & 31];
    }
    ret_id[MAILBOX_LENGTH] = '\0';
}

/* With the mailbox behind it. */
static struct nameplate *make_nameplate(struct memory_data *data, const char *appid,
                                        const char *name)
{
    struct nameplate *nameplate = calloc(1, sizeof(*nameplate));
    char id[MAILBOX_LENGTH + 1];

    if (!nameplate)
        return NULL;
    make_mailbox_id(id);
    nameplate->mailbox = make_mailbox(data, appid, id);
    if (!nameplate->mailbox) {
        free(nameplate);
        return NULL;
    }
    copy_name(nameplate->appid, appid, RELAY_APPID_MAX);
    copy_name(nameplate->name, name, RELAY_NAMEPLATE_MAX);
    DL_APPEND(data->nameplates, nameplate);
    return nameplate;
}

/* ---- operations on nameplates ---- */

enum relay_result memory_data_claim(struct memory_data *data, const struct relay_who *who,
                                    const char *name, const char **ret_mailbox)
{
    struct nameplate *nameplate = find_nameplate(data, who->appid, name);
    struct seat *claimed, *opened;

    if (!nameplate)
        nameplate = make_nameplate(data, who->appid, name);
    if (!nameplate)
        return RELAY_BROKEN;
    claimed = offer_seat(nameplate->seats, who->side);
    opened = offer_seat(nameplate->mailbox->seats, who->side);
    if (claimed && claimed->taken && !claimed->active)
        return RELAY_RECLAIMED;
    if (!claimed || !opened)
        return RELAY_CROWDED;
    sit(claimed, who->side);
    sit(opened, who->side);
    nameplate->mailbox->active = who->now;
    *ret_mailbox = nameplate->mailbox->id;
    return RELAY_DONE;
}

static bool only_side(const struct seat *seats, const char *side)
{
    return strcmp(seats[0].side, side) == 0 && !seats[1].taken;
}

/* What this side was allocated and nobody has used, or NULL. There is one at most. */
static struct nameplate *find_unused(struct memory_data *data, const struct relay_who *who)
{
    struct nameplate *nameplate;

    DL_FOREACH(data->nameplates, nameplate)
    {
        if (nameplate->allocated && strcmp(nameplate->appid, who->appid) == 0 &&
            only_side(nameplate->seats, who->side) &&
            only_side(nameplate->mailbox->seats, who->side) && nameplate->mailbox->count == 0)
            break;
    }
    return nameplate;
}

/* A random one among the free numbers from `first` to below `end`. */
static bool pick_free(struct memory_data *data, const char *appid, unsigned first, unsigned end,
                      char ret_name[RELAY_NAMEPLATE_MAX + 1])
{
    char name[RELAY_NAMEPLATE_MAX + 1];
    uint32_t seen = 0;

    for (unsigned number = first; number < end; number++) {
        snprintf(name, sizeof(name), "%u", number);
        if (!find_nameplate(data, appid, name) && randombytes_uniform(++seen) == 0)
            strcpy(ret_name, name);
    }
    return seen > 0;
}

/* Stock relays go on to six digits; no test of ours needs that. */
static bool pick(struct memory_data *data, const char *appid,
                 char ret_name[RELAY_NAMEPLATE_MAX + 1])
{
    return pick_free(data, appid, 1, 10, ret_name) || pick_free(data, appid, 10, 100, ret_name) ||
           pick_free(data, appid, 100, 1000, ret_name);
}

enum relay_result memory_data_allocate(struct memory_data *data, const struct relay_who *who,
                                       const char **ret_nameplate)
{
    struct nameplate *nameplate = find_unused(data, who);
    char name[RELAY_NAMEPLATE_MAX + 1];
    const char *mailbox;
    enum relay_result result;

    if (nameplate)
        strcpy(name, nameplate->name);
    else if (!pick(data, who->appid, name))
        return RELAY_NO_NAMEPLATE;
    result = memory_data_claim(data, who, name, &mailbox);
    if (result)
        return result;
    nameplate = find_nameplate(data, who->appid, name);
    nameplate->allocated = true;
    *ret_nameplate = nameplate->name;
    return RELAY_DONE;
}

static void release_seat(struct memory_data *data, struct nameplate *nameplate, const char *side)
{
    struct seat *seat = find_seat(nameplate->seats, side);

    if (seat)
        seat->active = false;
    if (!anybody_active(nameplate->seats))
        delete_nameplate(data, nameplate);
}

void memory_data_release(struct memory_data *data, const struct relay_who *who, const char *name)
{
    struct nameplate *nameplate = find_nameplate(data, who->appid, name);

    if (nameplate)
        release_seat(data, nameplate, who->side);
}

enum relay_result memory_data_list(struct memory_data *data, const struct relay_who *who,
                                   const char *const **ret_nameplates, size_t *ret_count)
{
    struct nameplate *nameplate;
    const char **listed;
    size_t count = 0;

    DL_COUNT(data->nameplates, nameplate, count);
    listed = realloc(data->listed, (count + 1) * sizeof(*listed));
    if (!listed)
        return RELAY_BROKEN;
    data->listed = listed;
    count = 0;
    DL_FOREACH(data->nameplates, nameplate)
    {
        if (strcmp(nameplate->appid, who->appid) == 0)
            listed[count++] = nameplate->name;
    }
    *ret_nameplates = listed;
    *ret_count = count;
    return RELAY_DONE;
}

/* ---- operations on mailboxes ---- */

enum relay_result memory_data_open(struct memory_data *data, const struct relay_who *who,
                                   const char *id)
{
    struct mailbox *mailbox = find_mailbox(data, who->appid, id);
    struct seat *seat;

    if (!mailbox)
        mailbox = make_mailbox(data, who->appid, id);
    if (!mailbox)
        return RELAY_BROKEN;
    seat = offer_seat(mailbox->seats, who->side);
    if (!seat)
        return RELAY_CROWDED;
    sit(seat, who->side);
    mailbox->active = who->now;
    return RELAY_DONE;
}

/* The id counts too: a stranger could keep as much there. */
static size_t weight(const struct relay_message *message)
{
    return message->body_length + (message->id ? strlen(message->id) : 0);
}

/* How many of the messages behind number `after` are one answer: as many as reach its size. */
static size_t measure_piece(const struct memory_data *data, const struct mailbox *mailbox,
                            uint64_t after)
{
    size_t most = data->limits.piece_bytes, bytes = 0, count = 0;

    while (after + count < mailbox->count && (most == 0 || bytes < most))
        bytes += weight(&mailbox->messages[after + count++]);
    return count;
}

void memory_data_read(struct memory_data *data, const struct relay_who *who, const char *id,
                      uint64_t after, struct relay_answer *ret_answer)
{
    const struct mailbox *mailbox = find_mailbox(data, who->appid, id);
    const struct seat *seat = mailbox ? find_seat((struct seat *)mailbox->seats, who->side) : NULL;

    if (!seat || !seat->active || after >= mailbox->count)
        return;
    ret_answer->messages = mailbox->messages + after;
    ret_answer->count = measure_piece(data, mailbox, after);
    ret_answer->more = after + ret_answer->count < mailbox->count;
}

uint64_t memory_data_serial(const struct memory_data *data, const struct relay_who *who,
                            const char *id)
{
    const struct mailbox *mailbox = find_mailbox((struct memory_data *)data, who->appid, id);
    const struct seat *seat = mailbox ? find_seat((struct seat *)mailbox->seats, who->side) : NULL;

    return seat && seat->active ? mailbox->serial : 0;
}

bool memory_data_knows(const struct memory_data *data, const struct relay_who *who, const char *id,
                       const struct relay_position *place)
{
    const struct mailbox *mailbox = find_mailbox((struct memory_data *)data, who->appid, id);

    return mailbox && place->mark != 0 && place->number > 0 && place->number <= mailbox->count &&
           mailbox->messages[place->number - 1].mark == place->mark;
}

static bool copy_message(const struct relay_message *message, struct relay_message *ret_copy)
{
    *ret_copy = *message;
    ret_copy->side = strdup(message->side);
    ret_copy->phase = strdup(message->phase);
    ret_copy->body = strndup(message->body, message->body_length);
    ret_copy->id = message->id ? strdup(message->id) : NULL;
    if (ret_copy->side && ret_copy->phase && ret_copy->body && !message->id == !ret_copy->id)
        return true;
    free_message(ret_copy);
    return false;
}

static enum relay_result store_message(struct mailbox *mailbox, const struct relay_message *message)
{
    size_t size = (mailbox->count + 1) * sizeof(*mailbox->messages);
    struct relay_message *messages = realloc(mailbox->messages, size);

    if (!messages)
        return RELAY_BROKEN;
    mailbox->messages = messages;
    if (!copy_message(message, &messages[mailbox->count]))
        return RELAY_BROKEN;
    messages[mailbox->count].number = mailbox->count + 1;
    mailbox->count++;
    mailbox->bytes += weight(message);
    return RELAY_DONE;
}

enum relay_result memory_data_add(struct memory_data *data, const struct relay_who *who,
                                  const char *id, const struct relay_message *message,
                                  const struct relay_message **ret_stored)
{
    struct mailbox *mailbox = find_mailbox(data, who->appid, id);
    struct seat *seat = mailbox ? find_seat(mailbox->seats, who->side) : NULL;
    enum relay_result result;

    if (!seat || !seat->active)
        return RELAY_NOT_OPEN;
    if (mailbox->count >= data->limits.mailbox_messages ||
        mailbox->bytes + weight(message) > data->limits.mailbox_bytes)
        return RELAY_TOO_MUCH;
    result = store_message(mailbox, message);
    if (result)
        return result;
    mailbox->active = who->now;
    *ret_stored = &mailbox->messages[mailbox->count - 1];
    return RELAY_DONE;
}

void memory_data_close(struct memory_data *data, const struct relay_who *who, const char *id)
{
    struct mailbox *mailbox = find_mailbox(data, who->appid, id);
    struct seat *seat = mailbox ? find_seat(mailbox->seats, who->side) : NULL;
    struct nameplate *nameplate, *next;

    if (!seat)
        return;
    seat->active = false;
    DL_FOREACH_SAFE(data->nameplates, nameplate, next)
    {
        if (nameplate->mailbox == mailbox)
            release_seat(data, nameplate, who->side);
    }
    if (!anybody_active(mailbox->seats))
        delete_mailbox(data, mailbox);
}

void memory_data_touch(struct memory_data *data, const struct relay_who *who, const char *id)
{
    struct mailbox *mailbox = find_mailbox(data, who->appid, id);

    if (mailbox)
        mailbox->active = who->now;
}

size_t memory_data_expire(struct memory_data *data, int64_t now, unsigned most)
{
    struct mailbox *mailbox, *next;
    size_t expired = 0;

    DL_FOREACH_SAFE(data->mailboxes, mailbox, next)
    {
        if (expired < most && now - mailbox->active >= data->limits.retention) {
            delete_mailbox(data, mailbox);
            expired++;
        }
    }
    return expired;
}

void memory_data_count(const struct memory_data *data, struct relay_counts *ret_counts)
{
    const struct nameplate *nameplate;
    const struct mailbox *mailbox;
    struct relay_counts counts = {0};

    DL_COUNT(data->nameplates, nameplate, counts.nameplates);
    DL_FOREACH(data->mailboxes, mailbox)
    {
        counts.mailboxes++;
        counts.messages += mailbox->count;
    }
    *ret_counts = counts;
}
