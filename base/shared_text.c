#include "config.h"

#include "base/shared_text.h"

#include <stdlib.h>

struct shared_text *shared_text_new(char *data, size_t length)
{
    struct shared_text *text = data != NULL ? malloc(sizeof(*text)) : NULL;

    if (text == NULL) {
        free(data);
        return NULL;
    }
    *text = (struct shared_text){.holders = 1, .length = length, .data = data};
    return text;
}

void shared_text_release(struct shared_text *text)
{
    if (--text->holders > 0)
        return;
    free(text->data);
    free(text);
}
