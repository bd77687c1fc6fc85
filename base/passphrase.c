#include "config.h"

#include "base/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/interrupts.h"
#include "base/private_file.h"

#define TERMINAL "/dev/tty"

static enum passphrase_status refuse(char *ret_why, size_t size, const char *text)
{
    snprintf(ret_why, size, "%s", text);
    return PASSPHRASE_REFUSED;
}

static enum passphrase_status refuse_system(char *ret_why, size_t size)
{
    snprintf(ret_why, size, "cannot read the passphrase: %s", strerror(errno));
    return PASSPHRASE_REFUSED;
}

/* Reads a byte, as read(2) does, unless there is a signal before. */
static ssize_t read_byte(int fd, const struct interrupts *interrupts, char *ret_byte,
                         int *ret_signal)
{
    ssize_t got;
    do {
        *ret_signal = interrupts_wait(interrupts, fd);
        got = *ret_signal == 0 ? read(fd, ret_byte, 1) : 0;
    } while (got < 0 && (errno == EINTR || errno == EAGAIN));
    return got;
}

/* Reads a line, without its end, byte by byte: what follows is somebody else's. */
static enum passphrase_status read_line(int fd, const struct interrupts *interrupts,
                                        char line[PASSPHRASE_MAX + 1], int *ret_signal,
                                        char *ret_why, size_t size)
{
    size_t length = 0;
    char byte = '\0';
    ssize_t got;
    while ((got = read_byte(fd, interrupts, &byte, ret_signal)) == 1 && byte != '\n') {
        if (length == PASSPHRASE_MAX)
            return refuse(ret_why, size, "the passphrase is too long; the limit is 1024 bytes");
        if (byte == '\0')
            return refuse(ret_why, size, "the passphrase contains a NUL character");
        line[length++] = byte;
    }
    if (got < 0)
        return refuse_system(ret_why, size);
    if (*ret_signal != 0) {
        snprintf(ret_why, size, "interrupted; nothing was done");
        return PASSPHRASE_INTERRUPTED;
    }
    if (length > 0 && line[length - 1] == '\r')
        length--;
    line[length] = '\0';
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

/* Asks once. The terminal shows nothing of what is typed meanwhile, and no signal can leave it like
 * that. */
static enum passphrase_status ask_once(int terminal, const char *prompt, char *line,
                                       int *ret_signal, char *ret_why, size_t size)
{
    struct interrupts interrupts;
    struct termios before, silent;
    if (tcgetattr(terminal, &before) != 0)
        return refuse(ret_why, size, "there is no terminal to ask for the passphrase");
    if (!interrupts_begin(true, &interrupts))
        return refuse_system(ret_why, size);
    silent = before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    silent.c_lflag |= ICANON | ISIG;
    tcsetattr(terminal, TCSAFLUSH, &silent);
    say(terminal, prompt);
    enum passphrase_status status =
        read_line(terminal, &interrupts, line, ret_signal, ret_why, size);
    tcsetattr(terminal, TCSAFLUSH, &before);
    say(terminal, "\n");
    interrupts_end(&interrupts);
    return status;
}

/* What a signal would have done by itself it does now. Of Ctrl-C the caller tells. */
static void pass_on(int signal)
{
    if (signal != 0 && signal != SIGINT)
        raise(signal);
}

/* Asks again after Ctrl-Z. */
static enum passphrase_status ask(int terminal, const char *prompt, char *line, char *ret_why,
                                  size_t size)
{
    enum passphrase_status status;
    int signal = 0;
    do {
        status = ask_once(terminal, prompt, line, &signal, ret_why, size);
        pass_on(signal);
    } while (signal == SIGTSTP);
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

/* Of a pipe, too, it is waited so that a signal ends it. */
static enum passphrase_status read_file(int fd, char *line, char *ret_why, size_t size)
{
    struct interrupts interrupts;
    int signal = 0;
    if (!interrupts_begin(false, &interrupts))
        return refuse_system(ret_why, size);
    enum passphrase_status status = read_line(fd, &interrupts, line, &signal, ret_why, size);
    interrupts_end(&interrupts);
    pass_on(signal);
    return status;
}

enum passphrase_status passphrase_read(const char *path, char **ret_passphrase, char *ret_why,
                                       size_t size)
{
    struct stat there;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
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
    enum passphrase_status status =
        line != NULL ? read_file(fd, line, ret_why, size) : refuse(ret_why, size, "out of memory");
    close(fd);
    if (status == PASSPHRASE_OK)
        *ret_passphrase = line;
    else
        passphrase_free(line);
    return status;
}
