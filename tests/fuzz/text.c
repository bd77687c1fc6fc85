/* What people type: codes, nameplates, schedules, URLs; and the tokens of places in a mailbox that
 * the relay's clients give back. What is taken can be written, and read again. */
#include "config.h"

#include "tests/fuzz/fuzz.h"

#include "net/url.h"
#include "relay/position.h"
#include "wormhole/code.h"
#include "wormhole/schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void read_code(const char *text)
{
    char nameplate[NAMEPLATE_MAX + 1];
    enum code_fault fault = code_check(text);

    if (fault != CODE_OK) {
        FUZZ_HOLDS(strlen(code_fault_text(fault)) > 0);
        return;
    }
    code_nameplate(text, nameplate);
    FUZZ_HOLDS(code_nameplate_valid(nameplate) && strlen(text) <= CODE_MAX);
    FUZZ_HOLDS(strncmp(text, nameplate, strlen(nameplate)) == 0);
}

/* What is read is a code, and is read as itself. */
static void read_typed_code(const char *text)
{
    char code[CODE_MAX + 1], again[CODE_MAX + 1];

    if (code_read(text, code) != CODE_OK)
        return;
    FUZZ_HOLDS(code_check(code) == CODE_OK);
    FUZZ_HOLDS(code_read(code, again) == CODE_OK && strcmp(code, again) == 0);
}

static void read_nameplate(const char *text)
{
    static const uint8_t entropy[CODE_WORDS_MAX] = {1, 2, 3};
    char code[CODE_MAX + 1];

    for (unsigned words = 0; words <= CODE_WORDS_MAX + 1; words++)
        if (code_generate(text, words, entropy, code))
            FUZZ_HOLDS(code_check(code) == CODE_OK);
}

static void read_schedule(const char *text)
{
    struct schedule schedule, again;
    char formatted[SCHEDULE_TEXT_MAX];
    enum schedule_fault fault = schedule_parse(text, &schedule);

    if (fault != SCHEDULE_OK) {
        FUZZ_HOLDS(strlen(schedule_fault_text(fault)) > 0);
        return;
    }
    schedule_format(&schedule, formatted);
    FUZZ_HOLDS(schedule_parse(formatted, &again) == SCHEDULE_OK);
    FUZZ_HOLDS(schedule.count == again.count && schedule.preset == again.preset);
    for (unsigned i = 0; i < schedule.count; i++)
        FUZZ_HOLDS(schedule.rules[i].when == again.rules[i].when &&
                   schedule.rules[i].interval == again.rules[i].interval);
    for (int64_t elapsed = -1; elapsed < SCHEDULE_TIME_MAX; elapsed = elapsed * 2 + 2)
        FUZZ_HOLDS(schedule_rule_at(&schedule, elapsed) != NULL &&
                   schedule_rule_left(&schedule, elapsed) > 0);
}

static void read_url(const char *text)
{
    static const char *const schemes[] = {"ws", "wss"};
    struct url url, again;
    char host[URL_HOST_HEADER_SIZE], where[URL_HOST_HEADER_SIZE];
    char whole[URL_HOST_HEADER_SIZE + sizeof(url.path) + 10];
    enum url_fault fault = url_parse(text, &url);

    if (fault != URL_OK) {
        FUZZ_HOLDS(strlen(url_fault_text(fault)) > 0);
        return;
    }
    url_host_header(&url, host, sizeof(host));
    url_where(&url, where, sizeof(where));
    snprintf(whole, sizeof(whole), "%s://%s%s", schemes[url.tls], host, url.path);
    FUZZ_HOLDS(strlen(whole) > URL_MAX || url_parse(whole, &again) == URL_OK);
    FUZZ_HOLDS(strlen(whole) > URL_MAX ||
               (url.tls == again.tls && url.port == again.port && url.literal == again.literal &&
                strcmp(url.host, again.host) == 0 && strcmp(url.path, again.path) == 0));
}

/* What is no token is no place. */
static void read_position(const char *text)
{
    struct relay_position position = relay_position_read(text);
    char token[RELAY_POSITION_TEXT];

    relay_position_write(&position, token);
    FUZZ_HOLDS(strcmp(token, text) == 0 || (position.number == 0 && position.mark == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    char *text = fuzz_text((struct fuzz_input){data, length});

    read_code(text);
    read_typed_code(text);
    read_nameplate(text);
    read_schedule(text);
    read_url(text);
    read_position(text);
    free(text);
    return 0;
}
