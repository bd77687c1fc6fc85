/*
 * What the fuzz targets share. A target is one function that takes bytes and must survive them; who
 * calls it is libFuzzer, or replay.c with the files of a corpus.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The target. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

/* A promise that holds whatever the input is. Not assert(), which a build may leave out. */
#define FUZZ_HOLDS(condition) fuzz_holds((condition), #condition, __FILE__, __LINE__)
void fuzz_holds(bool holds, const char *condition, const char *file, int line);

/* What is left of an input. */
struct fuzz_input {
    const uint8_t *data;
    size_t length;
};

/* Takes a byte; 0 at the end. */
uint8_t fuzz_byte(struct fuzz_input *input);

/* Takes at most `most` bytes. */
struct fuzz_input fuzz_piece(struct fuzz_input *input, size_t most);

/* Takes a line, without its end. False at the end of the input. */
bool fuzz_line(struct fuzz_input *input, struct fuzz_input *ret_line);

/* A copy with nothing behind it, so that a sanitizer sees who reads on; with a NUL. New; free(). */
uint8_t *fuzz_copy(struct fuzz_input input);
char *fuzz_text(struct fuzz_input input);

/* A digest (FNV-1a) of bytes behind another; begin with FUZZ_DIGEST. */
#define FUZZ_DIGEST UINT64_C(0xcbf29ce484222325)
uint64_t fuzz_digest(uint64_t digest, const void *data, size_t length);

/* Bytes that are the same in every run. `arg` is a uint64_t that is not 0. */
void fuzz_random(void *arg, void *buffer, size_t length);

#endif
