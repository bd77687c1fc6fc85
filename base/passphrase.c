#include "config.h"

#include "base/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/private_file.h"

#define TERMINAL "/dev/tty"
/* While the terminal sends no signals, Ctrl-C is this character. */
#define CTRL_C '\003'
#define CTRL_D '\004'

static enum passphrase_status refuse(char *ret_why, size_t size, const char *text)
{
    snprintf(ret_why, size, "%s", text);
    return PASSPHRASE_REFUSED;
}

static ssize_t read_retry(int fd, char *ret_byte)
{
    ssize_t got;
    do
        got = read(fd, ret_byte, 1);
    while (got < 0 && errno == EINTR);
    return got;
}

/* Reads a line, without its end, byte by byte: what follows is somebody else's. In one that is
 * typed, some characters are commands. */
static enum passphrase_status read_line(int fd, bool typed, char line[PASSPHRASE_MAX + 1],
                                        char *ret_why, size_t size)
{
    size_t length = 0;
    char byte = '\0';
    ssize_t got;
    while ((got = read_retry(fd, &byte)) == 1 && byte != '\n' &&
           !(typed && (byte == CTRL_C || byte == CTRL_D))) {
        if (length == PASSPHRASE_MAX)
            return refuse(ret_why, size, "the passphrase is too long; the limit is 1024 bytes");
        if (byte == '\0')
            return refuse(ret_why, size, "the passphrase contains a NUL character");
        line[length++] = byte;
    }
    if (got < 0) {
        snprintf(ret_why, size, "cannot read the passphrase: %s", strerror(errno));
        return PASSPHRASE_REFUSED;
    }
    if (length > 0 && line[length - 1] == '\r')
        length--;
    line[length] = '\0';
    if (typed && got == 1 && byte == CTRL_C) {
        snprintf(ret_why, size, "interrupted; nothing was done");
        return PASSPHRASE_INTERRUPTED;
    }
    return length > 0 ? PASSPHRASE_OK
                      : refuse(ret_why, size, "the passphrase is empty: that protects nothing");
}

/* NULL: out of memory. */
static char *new_line(void)
{
    return sodium_init() < 0 ? NULL : sodium_malloc(PASSPHRASE_MAX + 1);
}

void passphrase_free(char *passphrase)
{
    sodium_free(passphrase); /* which wipes it */
}

/* ---- from a person ---- */

static void say(int terminal, const char *text)
{
    /* A terminal that takes no question will bring no answer either. */
    if (write(terminal, text, strlen(text)) < 0)
        return;
}

/* Asks once. The terminal shows nothing and sends no signals meanwhile, so that Ctrl-C cannot leave
 * it like that. */
static enum passphrase_status ask(int terminal, const char *prompt, char *line, char *ret_why,
                                  size_t size)
{
    struct termios before, silent;
    if (tcgetattr(terminal, &before) != 0)
        return refuse(ret_why, size, "there is no terminal to ask for the passphrase");
    silent = before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL | ISIG);
    silent.c_cc[VEOL] = CTRL_C;
    tcsetattr(terminal, TCSAFLUSH, &silent);
    say(terminal, prompt);
    enum passphrase_status status = read_line(terminal, true, line, ret_why, size);
    tcsetattr(terminal, TCSAFLUSH, &before);
    say(terminal, "\n");
    return status;
}

static enum passphrase_status ask_again(int terminal, const char *line, char *ret_why, size_t size)
{
    char *again = new_line();
    if (again == NULL)
        return refuse(ret_why, size, "out of memory");
    enum passphrase_status status = ask(terminal, "The same again: ", again, ret_why, size);
    if (status == PASSPHRASE_OK && strcmp(line, again) != 0)
        status = refuse(ret_why, size, "the two passphrases differ; nothing was done");
    passphrase_free(again);
    return status;
}

enum passphrase_status passphrase_ask(const char *prompt, bool twice, char **ret_passphrase,
                                      char *ret_why, size_t size)
{
    int terminal = open(TERMINAL, O_RDWR | O_CLOEXEC | O_NOCTTY);
    char *line = terminal >= 0 ? new_line() : NULL;
    if (terminal < 0) {
        snprintf(ret_why, size, "there is no terminal to ask for the passphrase");
        return PASSPHRASE_NO_TERMINAL;
    }
    enum passphrase_status status = line != NULL ? ask(terminal, prompt, line, ret_why, size)
                                                 : refuse(ret_why, size, "out of memory");
    if (status == PASSPHRASE_OK && twice)
        status = ask_again(terminal, line, ret_why, size);
    close(terminal);
    if (status == PASSPHRASE_OK)
        *ret_passphrase = line;
    else
        passphrase_free(line);
    return status;
}

/* ---- from a file ---- */

enum passphrase_status passphrase_read(const char *path, char **ret_passphrase, char *ret_why,
                                       size_t size)
{
    struct stat there;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || fstat(fd, &there) != 0) {
        snprintf(ret_why, size, "cannot read the passphrase from %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return PASSPHRASE_REFUSED;
    }
    if (!private_file_fits(&there, path, ret_why, size)) {
        close(fd);
        return PASSPHRASE_REFUSED;
    }
    char *line = new_line();
    enum passphrase_status status = line != NULL ? read_line(fd, false, line, ret_why, size)
                                                 : refuse(ret_why, size, "out of memory");
    close(fd);
    if (status == PASSPHRASE_OK)
        *ret_passphrase = line;
    else
        passphrase_free(line);
    return status;
}
