/* A text as a picture that cameras read: a QR code (ISO/IEC 18004) of half blocks, two modules a
 * character. */
#ifndef CLI_QR_H
#define CLI_QR_H

#include <stdbool.h>

/*
 * The picture, lines and all. `colours`: black on white whatever the terminal has; without, light
 * modules are blocks, as is right for light text on a dark ground. New; free(). NULL when out of
 * memory, or if the text is too long for one (about 2,900 bytes).
 */
char *qr_draw(const char *text, bool colours);

#endif
