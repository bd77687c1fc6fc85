#include "config.h"

#include "tests/faults/place.h"

#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>
#include <unwind.h>

/* FNV-1a, https://www.rfc-editor.org/rfc/rfc9923 */
#define HASH_START UINT32_C(2166136261)
#define HASH_PRIME UINT32_C(16777619)

/* The program's own name is empty there. */
static bool is_ours(const struct dl_find_object *object)
{
    const char *name = object->dlfo_link_map->l_name;
    return *name == '\0' || strstr(name, "/libwormclient.so") != NULL;
}

static void add(struct place *place, uintptr_t at)
{
    place->at[place->depth++] = at;
    for (size_t i = 0; i < sizeof(at); i++)
        place->hash = (place->hash ^ (uint8_t)(at >> 8 * i)) * HASH_PRIME;
}

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *arg)
{
    struct place *place = arg;
    struct dl_find_object object;
    /* The return address is behind the call, perhaps in the next line already. */
    void *caller = (char *)_Unwind_GetIP(context) - 1;
    if (_dl_find_object(caller, &object) != 0 || place->depth == PLACE_DEPTH)
        return _URC_END_OF_STACK;
    if (is_ours(&object))
        add(place, (uintptr_t)caller - object.dlfo_link_map->l_addr);
    return _URC_NO_REASON;
}

void place_find(struct place *ret_place)
{
    *ret_place = (struct place){.hash = HASH_START};
    _Unwind_Backtrace(visit, ret_place);
}
