#include "config.h"

#include <string.h>

#include "ipc/tree.h"

static void terminate_strings(msgpack_object *object);

/* The byte before the bytes belongs to their header, which has been read. */
static const char *terminate(const char *bytes, uint32_t size)
{
    if (size == 0)
        return "";
    char *moved = (char *)bytes - 1;
    memmove(moved, bytes, size);
    moved[size] = '\0';
    return moved;
}

static void terminate_in_array(msgpack_object_array *array)
{
    for (uint32_t i = 0; i < array->size; i++)
        terminate_strings(&array->ptr[i]);
}

static void terminate_in_map(msgpack_object_map *map)
{
    for (uint32_t i = 0; i < map->size; i++) {
        terminate_strings(&map->ptr[i].key);
        terminate_strings(&map->ptr[i].val);
    }
}

/* Recursion goes as deep as the caller's limits let objects nest. */
static void terminate_strings(msgpack_object *object)
{
    if (object->type == MSGPACK_OBJECT_STR)
        object->via.str.ptr = terminate(object->via.str.ptr, object->via.str.size);
    else if (object->type == MSGPACK_OBJECT_BIN)
        object->via.bin.ptr = terminate(object->via.bin.ptr, object->via.bin.size);
    else if (object->type == MSGPACK_OBJECT_ARRAY)
        terminate_in_array(&object->via.array);
    else if (object->type == MSGPACK_OBJECT_MAP)
        terminate_in_map(&object->via.map);
}

static enum tree_result judge(msgpack_unpack_return unpacked, bool all_used)
{
    if (unpacked == MSGPACK_UNPACK_NOMEM_ERROR)
        return TREE_MEMORY;
    return unpacked == MSGPACK_UNPACK_SUCCESS && all_used ? TREE_OK : TREE_BAD;
}

enum tree_result tree_decode(uint8_t *data, size_t size, msgpack_unpacked *ret_tree)
{
    msgpack_unpacked tree;
    msgpack_unpacked_init(&tree);
    size_t used = 0;
    msgpack_unpack_return unpacked = msgpack_unpack_next(&tree, (const char *)data, size, &used);
    enum tree_result result = judge(unpacked, used == size);
    if (result != TREE_OK) {
        msgpack_unpacked_destroy(&tree);
        return result;
    }
    terminate_strings(&tree.data);
    *ret_tree = tree;
    return TREE_OK;
}
