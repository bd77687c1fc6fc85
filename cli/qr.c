#include "config.h"

#include "cli/qr.h"

#include <qrencode.h>
#include <stdlib.h>
#include <string.h>

/* Modules of light around it, which the standard demands. */
#define QUIET 4
/* Of a block in UTF-8. */
#define BLOCK_BYTES 3

static const char black_on_white[] = "\033[30;107m";
static const char as_before[] = "\033[0m";

/* [upper half inked][lower half inked] */
static const char *const blocks[2][2] = {{" ", "▄"}, {"▀", "█"}};

/* Dark or light; outside of the code it is light. */
static bool dark(const QRcode *code, int x, int y)
{
    return x >= 0 && y >= 0 && x < code->width && y < code->width &&
           (code->data[y * code->width + x] & 1) != 0;
}

static char *draw_line(char *end, const QRcode *code, int y, bool colours)
{
    if (colours)
        end = stpcpy(end, black_on_white);
    for (int x = -QUIET; x < code->width + QUIET; x++)
        end = stpcpy(end, blocks[dark(code, x, y) == colours][dark(code, x, y + 1) == colours]);
    if (colours)
        end = stpcpy(end, as_before);
    return stpcpy(end, "\n");
}

static char *draw(const QRcode *code, bool colours)
{
    size_t side = (size_t)code->width + 2 * QUIET;
    size_t line = side * BLOCK_BYTES + sizeof(black_on_white) + sizeof(as_before) + 1;
    char *picture = malloc((side + 1) / 2 * line + 1);
    char *end = picture;

    if (picture == NULL)
        return NULL;
    for (int y = -QUIET; y < code->width + QUIET; y += 2)
        end = draw_line(end, code, y, colours);
    return picture;
}

char *qr_draw(const char *text, bool colours)
{
    /* Least correction: it is on a screen, not on a crumpled paper, and so it stays small. */
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
    char *picture;

    if (code == NULL)
        return NULL;
    picture = draw(code, colours);
    explicit_bzero(code->data, (size_t)code->width * (size_t)code->width);
    QRcode_free(code);
    return picture;
}
