/* A test's own directory. */
#ifndef TESTS_TEMPDIR_H
#define TESTS_TEMPDIR_H

/* Makes an empty directory under $TMPDIR or /tmp. New; tempdir_remove(). */
char *tempdir_make(void);

/* Removes it with all that is in it, and frees the path. */
void tempdir_remove(char *path);

/* "DIRECTORY/NAME". New; free(). */
char *tempdir_path(const char *directory, const char *name);

#endif
