#include "config.h"

#include "net/http_head.h"

#include <string.h>
#include <strings.h>

static const char version[] = "HTTP/1.";
#define VERSION_LENGTH (sizeof(version) - 1)

void http_head_begin(struct http_head *ret_head, bool response)
{
    memset(ret_head, 0, offsetof(struct http_head, line));
    ret_head->response = response;
}

void http_head_again(struct http_head *head)
{
    head->lines = 0;
    head->length = 0;
}

/* Reports at the first odd byte that this is not HTTP, rather than wait for the end of a line. */
static bool is_plausible(const struct http_head *head, char byte)
{
    if (head->response && head->lines == 0 && head->length < VERSION_LENGTH)
        return byte == version[head->length];
    return (unsigned char)byte >= ' ' || byte == '\t' || byte == '\r';
}

enum http_head_next http_head_take(struct http_head *head, char byte)
{
    if (head->complete)
        head->length = 0;
    head->complete = false;
    if (++head->taken > HTTP_HEAD_MAX)
        return HTTP_HEAD_TOO_LONG;
    if (byte == '\n') {
        head->line[head->length] = '\0';
        head->complete = true;
        head->cr = false;
        head->lines++;
        return HTTP_HEAD_LINE;
    }
    if (head->cr)
        return HTTP_HEAD_STRAY_CR;
    if (!is_plausible(head, byte))
        return HTTP_HEAD_NO_HTTP;
    head->cr = byte == '\r';
    if (head->cr)
        return HTTP_HEAD_MORE;
    if (head->length == HTTP_LINE_MAX)
        return HTTP_HEAD_TOO_LONG;
    head->line[head->length++] = byte;
    return HTTP_HEAD_MORE;
}

char *http_head_status(char *line)
{
    char *code = line + VERSION_LENGTH + 2; /* a digit and a blank */

    if (strlen(line) < VERSION_LENGTH + 5 || strncmp(line, version, VERSION_LENGTH) != 0 ||
        code[-1] != ' ' || strspn(code, "0123456789") != 3 || (code[3] != ' ' && code[3] != '\0'))
        return NULL;
    for (char *c = code; *c != '\0'; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    return code;
}

char *http_head_value(char *line)
{
    size_t name = strcspn(line, ": \t");

    if (name == 0 || line[name] != ':')
        return NULL;
    line[name] = '\0';
    char *value = line + name + 1;
    value += strspn(value, " \t");
    for (size_t end = strlen(value); end > 0 && strchr(" \t", value[end - 1]) != NULL; end--)
        value[end - 1] = '\0';
    return value;
}

bool http_head_has_token(const char *value, const char *token)
{
    size_t wanted = strlen(token);

    while (*value != '\0') {
        value += strspn(value, ", \t");
        size_t length = strcspn(value, ", \t");

        if (length == wanted && strncasecmp(value, token, length) == 0)
            return true;
        value += strcspn(value, ",");
    }
    return false;
}
