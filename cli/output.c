#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/output.h"
#include "cli/report.h"

static bool lacking;

void output_lacks(void)
{
    lacking = true;
}

enum exit_status output_flush(void)
{
    /* A failed write may have happened when the buffer ran full: fflush then knows nothing of it.
     */
    if (ferror(stdout) || fflush(stdout) != 0) {
        report("cannot write to standard output: %s", strerror(errno));
        return EXIT_FAILED;
    }
    if (!lacking)
        return EXIT_DONE;
    lacking = false;
    return report_memory();
}

enum exit_status output_bytes(const void *data, size_t length)
{
    /* Nothing is left behind for a later flush to get rid of: a failure here is final. */
    if (fwrite(data, 1, length, stdout) != length) {
        report("cannot write to standard output: %s", strerror(errno));
        return EXIT_FAILED;
    }
    return output_flush();
}

enum exit_status output_line(const char *text)
{
    fputs(text, stdout);
    putchar('\n');
    return output_flush();
}
