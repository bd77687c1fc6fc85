/*
 * The head of an HTTP/1 message (RFC 9112), request or response: bytes in, lines out. No I/O. The
 * handshake of a WebSocket and the tunnel of an HTTP proxy read theirs with it.
 */
#ifndef NET_HTTP_HEAD_H
#define NET_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>

/* Longest line, and longest head: proxies and browsers add headers by the kilobyte. The stock relay
 * takes lines of up to 16 KiB, other common servers 8 or 16. */
#define HTTP_LINE_MAX 16384
#define HTTP_HEAD_MAX (4 * HTTP_LINE_MAX)

enum http_head_next {
    HTTP_HEAD_MORE = 0, /* the line goes on */
    HTTP_HEAD_LINE,     /* a line is complete; an empty one ends the head */
    HTTP_HEAD_NO_HTTP,  /* a byte that cannot be there. Final, like those below */
    HTTP_HEAD_STRAY_CR, /* CR without LF: it has fooled proxies */
    HTTP_HEAD_TOO_LONG,
};

struct http_head {
    bool response;                /* the first line must begin with HTTP/1. */
    bool cr;                      /* the last byte was CR */
    bool complete;                /* the line is complete */
    size_t taken;                 /* bytes so far */
    size_t lines;                 /* complete lines so far */
    size_t length;                /* of line */
    char line[HTTP_LINE_MAX + 1]; /* once complete: without its end, followed by a NUL */
};

/* Begins. The buffer for the line stays untouched, and its memory unused, until bytes come. */
void http_head_begin(struct http_head *ret_head, bool response);

/* Another head follows, as after 100 Continue; the limit is on the bytes of all heads together. */
void http_head_again(struct http_head *head);

/* Takes the next byte. A line may end with LF alone. A complete line stays until the next call. */
enum http_head_next http_head_take(struct http_head *head, char byte);

/* For a status line, "HTTP/1.1 404 Not Found": returns what follows the version, in printable ASCII
 * (other bytes become '?'), where the status is three digits. NULL if it is not a status line. */
char *http_head_status(char *line);

/* For a header, "Name: value": cuts the line off after the name, and returns the value without
 * blanks around it. NULL if it is malformed: a blank before the colon, or a line that continues the
 * previous one, has fooled proxies (RFC 9112 §5.1, §5.2). */
char *http_head_value(char *line);

/* True if `token` is one of the comma-separated words of a value. Case does not matter. */
bool http_head_has_token(const char *value, const char *token);

#endif
