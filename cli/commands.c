/* The table of commands. */
#include "config.h"

#include "cli/command.h"
#include "cli/fields.h"

#define BIT(id) OPTION_BIT(OPTION_##id)

#define TALK_OPTIONS  (BIT(NAME) | BIT(RELAY) | BIT(SCHEDULE) | BIT(TIMEOUT) | BIT(VERIFY))
#define INBOX_OPTIONS (BIT(INBOX_MESSAGES) | BIT(INBOX_BYTES))
#define BEGIN_OPTIONS (TALK_OPTIONS | INBOX_OPTIONS | BIT(APPID) | BIT(APP_VERSIONS))

const struct cli_command commands[] = {
    {.name = "invite",
     .usage = "",
     .help = "begin a session and print its code",
     .details = "Waits until the code exists. The session lives on in the daemon whatever becomes\n"
                "of this command.",
     .options = BEGIN_OPTIONS | BIT(WORDS) | BIT(CODE) | BIT(QR),
     .fields = fields_view,
     .check = invite_check,
     .run = invite_run},
    {.name = "accept",
     .usage = "[CODE]",
     .help = "join a session with the code of the other side",
     .details = "CODE may be a wormhole-transfer: URI, or - to read it from standard input; on a "
                "terminal\n"
                "it is asked for, and TAB completes it.\n"
                "Prints the id of the new session, unless --name gives it a name.",
     .options = BEGIN_OPTIONS | BIT(CODE),
     .fields = fields_view,
     .most = 1,
     .check = accept_check,
     .run = accept_run},
    {.name = "exchange",
     .usage = "[CODE] --data DATA",
     .help = "give the other side some data, and print theirs",
     .details =
         "Without CODE a session is begun, and its code told on standard error. The data of\n"
         "the other side are written to standard output as they are.",
     .options = BEGIN_OPTIONS | BIT(WORDS) | BIT(CODE) | BIT(DATA),
     .fields = fields_message,
     .most = 1,
     .check = exchange_check,
     .run = exchange_run},
    {.name = "list",
     .usage = "",
     .help = "show all sessions",
     .options = BIT(NAMES),
     .fields = fields_view,
     .run = list_run},
    {.name = "show",
     .usage = "SESSION",
     .help = "show all about one session",
     .fields = fields_view,
     .least = 1,
     .most = 1,
     .run = show_run},
    {.name = "watch",
     .usage = "[SESSION]",
     .help = "tell every change as it happens",
     .details =
         "Goes on until it is interrupted, also when the daemon is started again. Each line\n"
         "begins with the number of the change, which --since takes.",
     .options = BIT(SINCE) | BIT(EXEC),
     .fields = fields_change,
     .most = 1,
     .run = watch_run},
    {.name = "send",
     .usage = "SESSION [TEXT]",
     .help = "send a message",
     .details =
         "Without TEXT the message is read from standard input. It is the daemon's when the\n"
         "command returns, and leaves when the other side is there.",
     .fields = fields_sent,
     .least = 1,
     .most = 2,
     .run = send_run},
    {.name = "recv",
     .usage = "SESSION",
     .help = "print the next message",
     .details =
         "Writes the bytes of the message exactly, and acknowledges it once they are written.",
     .options = BIT(WAIT) | BIT(PEEK) | BIT(ALL),
     .fields = fields_message,
     .least = 1,
     .most = 1,
     .run = recv_run},
    {.name = "wait",
     .usage = "SESSION --for CONDITION",
     .help = "wait until a session has come so far",
     .details = "  code         its code exists\n"
                "  keyed        somebody used the code; whether rightly is not known yet\n"
                "  established  the other side proved that it knows the code\n"
                "  verified     the verifiers were compared, and agree\n"
                "  message      there is an unread message\n"
                "  sent         the relay has stored all that was sent\n"
                "  delivered    the daemon of the other side has stored all that was sent\n"
                "  read         somebody there has read all that was sent\n"
                "  closed       it has ended and the relay was told",
     .options = BIT(FOR) | BIT(LIMIT),
     .fields = fields_view,
     .least = 1,
     .most = 1,
     .check = wait_check,
     .run = wait_run},
    {.name = "verify",
     .usage = "SESSION",
     .help = "compare verifiers with the other side",
     .details =
         "Shows the verifier as digits and as words, and asks on a terminal whether the other\n"
         "side sees the same. Elsewhere nothing is changed without --yes or --no.",
     .options = BIT(YES) | BIT(NO),
     .fields = fields_view,
     .least = 1,
     .most = 1,
     .check = verify_check,
     .run = verify_run},
    {.name = "derive-key",
     .usage = "SESSION PURPOSE [LENGTH]",
     .help = "print a key that only the two sides can know",
     .details = "LENGTH bytes, 32 if it is not given, as hexadecimal digits.",
     .options = BIT(RAW),
     .fields = fields_key,
     .least = 2,
     .most = 3,
     .check = derive_key_check,
     .run = derive_key_run},
    {.name = "rename",
     .usage = "SESSION [NAME]",
     .help = "give a session another name, or none",
     .fields = fields_view,
     .least = 1,
     .most = 2,
     .run = rename_run},
    {.name = "export",
     .usage = "SESSION",
     .help = "take a session out of this daemon, to go on elsewhere",
     .details = "Prints one line, which holds the secrets of the session. When it is written, the\n"
                "session is forgotten here. Possible until the other side is there.",
     .options = BIT(TERMINAL) | BIT(KEEP),
     .least = 1,
     .most = 1,
     .check = export_check,
     .run = export_run},
    {.name = "import",
     .usage = "[FILE]",
     .help = "go on with a session that was exported",
     .details = "Without FILE, or with -, it is read from standard input. Prints the id of the\n"
                "session, unless it has a name.",
     .options = BIT(NAME),
     .fields = fields_view,
     .most = 1,
     .run = import_run},
    {.name = "close",
     .usage = "SESSION",
     .help = "end a session, after what is queued was sent",
     .fields = fields_view,
     .least = 1,
     .most = 1,
     .run = close_run},
    {.name = "forget",
     .usage = "SESSION",
     .help = "remove an ended session and its unread messages",
     .options = BIT(FORCE),
     .fields = fields_session,
     .least = 1,
     .most = 1,
     .run = forget_run},
    {.name = "poll",
     .usage = "SESSION",
     .help = "visit the relay now",
     .fields = fields_view,
     .least = 1,
     .most = 1,
     .run = poll_run},
    {.name = "status",
     .usage = "",
     .help = "show how the daemon and its relays are",
     .fields = fields_status,
     .run = status_run},
    {.name = "text send",
     .usage = "[TEXT]",
     .help = "send a text to 'wormhole receive' or 'wormctl text receive'",
     .details =
         "Without TEXT it is read from standard input. Prints the code, then waits until the\n"
         "other side has the text. If this command is stopped, the daemon goes on.",
     .options = TALK_OPTIONS | BIT(WORDS) | BIT(CODE) | BIT(QR),
     .fields = fields_view,
     .most = 1,
     .check = text_send_check,
     .run = text_send_run},
    {.name = "text receive",
     .usage = "[CODE]",
     .help = "receive a text from 'wormhole send --text' or 'wormctl text send'",
     .details = "Without CODE, or with -, it is read from standard input.",
     .options = TALK_OPTIONS | BIT(CODE),
     .fields = fields_received_text,
     .most = 1,
     .check = text_receive_check,
     .run = text_receive_run},
};

const size_t command_count = sizeof(commands) / sizeof(commands[0]);

uint64_t command_options(const struct cli_command *command)
{
    return command->options | OPTIONS_GLOBAL | (command->fields != NULL ? BIT(FIELDS) : 0);
}
