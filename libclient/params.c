#include "config.h"

#include <stdlib.h>

#include "libclient/params.h"

/* What wormclient_params_new gives when there is no memory: it remembers that, as any other that
 * failed later does. Never written to. */
static struct wormclient_params out_of_memory = {.writer = {.failed = true}};

struct wormclient_params *wormclient_params_new(void)
{
    struct wormclient_params *params = malloc(sizeof(*params));
    if (params == NULL)
        return &out_of_memory;
    writer_init(&params->writer);
    writer_map(&params->writer, NULL);
    return params;
}

void wormclient_params_text(struct wormclient_params *params, const char *key, const char *value)
{
    if (!params->writer.failed)
        writer_text(&params->writer, key, value);
}

void wormclient_params_data(struct wormclient_params *params, const char *key, const void *data,
                            size_t length)
{
    if (!params->writer.failed)
        writer_data(&params->writer, key, data, length);
}

void wormclient_params_number(struct wormclient_params *params, const char *key, int64_t value)
{
    if (!params->writer.failed)
        writer_number(&params->writer, key, value);
}

void wormclient_params_flag(struct wormclient_params *params, const char *key, bool value)
{
    if (!params->writer.failed)
        writer_flag(&params->writer, key, value);
}

void wormclient_params_free(struct wormclient_params *params)
{
    if (params == NULL || params == &out_of_memory)
        return;
    writer_free(&params->writer);
    free(params);
}
