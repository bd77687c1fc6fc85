#include "config.h"

#include "daemon/relay_list.h"

#include <stdio.h>
#include <string.h>

#include "net/url.h"

const char *relay_list_read(const char *text, unsigned most, char ret_urls[RELAY_LIST_SIZE])
{
    static const char blanks[] = " \t,";
    char url[SESSION_ROUTE_MAX + 1], *at = ret_urls;
    struct url parsed[SESSION_ROUTES_MAX];
    unsigned count = 0;
    *at = '\0';
    for (text += strspn(text, blanks); *text != '\0'; text += strspn(text, blanks)) {
        size_t length = strcspn(text, blanks);
        if (count == most)
            return "too many relays: a session has at most 3";
        if (length > SESSION_ROUTE_MAX)
            return "the URL of one of several relays has at most 128 bytes";
        snprintf(url, sizeof(url), "%.*s", (int)length, text);
        enum url_fault fault = url_parse(url, &parsed[count]);
        if (fault != URL_OK)
            return url_fault_text(fault);
        if (!session_route_fits(url))
            return "the URL of one of several relays has no quotation marks or backslashes";
        for (unsigned i = 0; i < count; i++)
            if (url_is_same(&parsed[i], &parsed[count]))
                return "the same relay is named twice";
        at += sprintf(at, "%s%s", count++ > 0 ? " " : "", url);
        text += length;
    }
    return count > 0 ? NULL : "no relay is named";
}

_Static_assert(SESSION_ROUTES_MAX == 3 && SESSION_ROUTE_MAX == 128, "as the texts say");
