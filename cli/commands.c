#include "config.h"

#include <string.h>

#include "cli/command.h"

/* How many slips of the finger a suggestion forgives. */
#define SLIPS_MAX 2
/* Longest word that is looked up: all names are shorter, and it bounds the comparison. */
#define WORD_MAX 24

#define BEGIN_OPTIONS                                                                              \
    (OPTION_BIT(OPTION_NAME) | OPTION_BIT(OPTION_RELAY) | OPTION_BIT(OPTION_SCHEDULE) |            \
     OPTION_BIT(OPTION_TIMEOUT))
#define CODE_OPTIONS (OPTION_BIT(OPTION_WORDS) | OPTION_BIT(OPTION_CODE))

const struct command commands[] = {
    {"invite", "", "begin a session and print its code",
     "Waits until the code exists. The session lives on in the daemon whatever becomes of this\n"
     "command.",
     BEGIN_OPTIONS | CODE_OPTIONS | OPTION_BIT(OPTION_APPID), 0, 0, NULL, invite_run},
    {"accept", "CODE", "join a session with the code of the other side",
     "CODE may be - to read it from standard input. Prints the id of the new session, unless\n"
     "--name gives it a name.",
     BEGIN_OPTIONS | OPTION_BIT(OPTION_APPID), 1, 1, NULL, accept_run},
    {"list", "", "show all sessions", NULL, OPTION_BIT(OPTION_NAMES), 0, 0, NULL, list_run},
    {"show", "SESSION", "show all about one session", NULL, 0, 1, 1, NULL, show_run},
    {"send", "SESSION [TEXT]", "send a message",
     "Without TEXT the message is read from standard input. It is the daemon's when the command\n"
     "returns, and leaves when the other side is there.",
     0, 1, 2, NULL, send_run},
    {"recv", "SESSION", "print the next message",
     "Writes the bytes of the message exactly, and acknowledges it once they are written.",
     OPTION_BIT(OPTION_WAIT) | OPTION_BIT(OPTION_PEEK) | OPTION_BIT(OPTION_ALL), 1, 1, NULL,
     recv_run},
    {"wait", "SESSION --for CONDITION", "wait until a session has come so far",
     "  code         its code exists\n"
     "  keyed        somebody used the code; whether rightly is not known yet\n"
     "  established  the other side proved that it knows the code\n"
     "  message      there is an unread message\n"
     "  sent         the relay has stored all that was sent\n"
     "  closed       it has ended and the relay was told",
     OPTION_BIT(OPTION_FOR) | OPTION_BIT(OPTION_LIMIT), 1, 1, wait_check, wait_run},
    {"close", "SESSION", "end a session, after what is queued was sent", NULL, 0, 1, 1, NULL,
     close_run},
    {"forget", "SESSION", "remove an ended session and its unread messages", NULL,
     OPTION_BIT(OPTION_FORCE), 1, 1, NULL, forget_run},
    {"poll", "SESSION", "visit the relay now", NULL, 0, 1, 1, NULL, poll_run},
    {"status", "", "show how the daemon and its relays are", NULL, 0, 0, 0, NULL, status_run},
    {"text send", "[TEXT]", "send a text to 'wormhole receive' or 'wormctl text receive'",
     "Without TEXT it is read from standard input. Prints the code, then waits until the other\n"
     "side has the text. If this command is stopped, the daemon goes on.",
     BEGIN_OPTIONS | CODE_OPTIONS, 0, 1, NULL, text_send_run},
    {"text receive", "[CODE]", "receive a text from 'wormhole send --text' or 'wormctl text send'",
     "Without CODE, or with -, it is read from standard input.", BEGIN_OPTIONS, 0, 1, NULL,
     text_receive_run},
};

const size_t command_count = sizeof(commands) / sizeof(commands[0]);

/* Of the first word. */
static size_t word_length(const char *name)
{
    return strcspn(name, " ");
}

/* How many of the arguments are the name of the command; 0 if they are not. */
static int match_name(const char *name, int count, char **arguments)
{
    size_t length = word_length(name);

    if (count < 1 || strncmp(arguments[0], name, length) != 0 || arguments[0][length] != '\0')
        return 0;
    if (name[length] == '\0')
        return 1;
    return count >= 2 && strcmp(arguments[1], name + length + 1) == 0 ? 2 : 0;
}

const struct command *command_find(int count, char **arguments, int *ret_words)
{
    for (size_t i = 0; i < command_count; i++) {
        int words = match_name(commands[i].name, count, arguments);

        if (words > 0) {
            *ret_words = words;
            return &commands[i];
        }
    }
    return NULL;
}

bool command_in_family(const struct command *command, const char *word)
{
    size_t length = strlen(word);

    return strncmp(command->name, word, length) == 0 && command->name[length] == ' ';
}

bool command_is_family(const char *word)
{
    for (size_t i = 0; i < command_count; i++)
        if (command_in_family(&commands[i], word))
            return true;
    return false;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* Levenshtein's distance of a name's first word and another of at most WORD_MAX bytes, row by row
 * of his matrix. */
static size_t distance(const char *name, const char *word)
{
    size_t row[WORD_MAX + 1], length = strlen(word), rows = word_length(name);

    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 0; i < rows; i++) {
        size_t diagonal = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < length; j++) {
            size_t above = row[j + 1];

            row[j + 1] = smallest(above + 1, row[j] + 1, diagonal + (name[i] != word[j]));
            diagonal = above;
        }
    }
    return row[length];
}

const char *command_nearest(const char *word)
{
    const char *nearest = NULL;
    size_t least = SLIPS_MAX + 1;

    if (strlen(word) > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < command_count; i++) {
        size_t slips = distance(commands[i].name, word);

        if (slips < least && slips < strlen(word)) {
            least = slips;
            nearest = commands[i].name;
        }
    }
    return nearest;
}
