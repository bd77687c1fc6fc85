/* What a step wants done: lists of writes and effects. */
#include "config.h"

#include "base/large.h"
#include "base/utf8.h"
#include "wormhole/step.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static void free_write(struct session_write *write)
{
    if (write->data != NULL)
        sodium_memzero(write->data, write->length);
    free(write->data);
}

static void free_effect(struct session_effect *effect)
{
    free(effect->text);
}

void outcome_clear(struct outcome *outcome)
{
    for (size_t i = 0; i < outcome->write_count; i++)
        free_write(&outcome->writes[i]);
    for (size_t i = 0; i < outcome->effect_count; i++)
        free_effect(&outcome->effects[i]);
    free(outcome->writes);
    free(outcome->effects);
    memset(outcome, 0, sizeof(*outcome));
}

/* A step has only a handful of each; growing one by one in powers of two requires no stored
 * capacity. */
static void *grown(void *array, size_t count, size_t size)
{
    if ((count & (count - 1)) != 0)
        return array;
    return realloc(array, (count == 0 ? 1 : 2 * count) * size);
}

void step_write(struct step *step, enum write_type type, uint32_t number, const void *head,
                size_t head_length, const void *data, size_t length)
{
    struct outcome *outcome = step->outcome;
    struct session_write *writes = grown(outcome->writes, outcome->write_count, sizeof(*writes));
    if (writes != NULL)
        outcome->writes = writes;
    /* One byte more: malloc(0) may return NULL without meaning a failure. */
    uint8_t *copy = large_pages(malloc(head_length + length + 1), length);
    if (writes == NULL || copy == NULL) {
        free(copy);
        outcome->no_memory = true;
        return;
    }
    if (head_length > 0)
        memcpy(copy, head, head_length);
    if (length > 0)
        memcpy(copy + head_length, data, length);
    writes[outcome->write_count++] = (struct session_write){
        .type = type, .number = number, .data = copy, .length = head_length + length};
}

void step_effect(struct step *step, enum effect_type type, char *text, uint32_t number)
{
    struct outcome *outcome = step->outcome;
    struct session_effect *effects =
        grown(outcome->effects, outcome->effect_count, sizeof(*effects));
    if (effects == NULL) {
        free(text);
        outcome->no_memory = true;
        return;
    }
    outcome->effects = effects;
    effects[outcome->effect_count++] = (struct session_effect){
        .type = type, .text = text, .number = number, .visit = step->session->visits};
}

void step_send(struct step *step, char *text)
{
    if (text == NULL)
        step->outcome->no_memory = true;
    else
        step_effect(step, EFFECT_SEND, text, 0);
}

void step_set_text(struct step *step, char **string, const char *text, size_t limit)
{
    char *copy = NULL;
    if (text != NULL) {
        copy = strndup(text, utf8_cut(text, limit));
        if (copy == NULL) {
            step->outcome->no_memory = true;
            return;
        }
    }
    free(*string);
    *string = copy;
}

void step_random(struct step *step, void *buffer, size_t length)
{
    step->context->random(step->context->random_arg, buffer, length);
}

int64_t step_random_below(struct step *step, int64_t most)
{
    uint32_t random;
    step_random(step, &random, sizeof(random));
    return (int64_t)((double)most * random / UINT32_MAX);
}
