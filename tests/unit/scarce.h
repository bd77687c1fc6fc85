/*
 * Memory that runs out on command: for our own code by --wrap of the linker, for jansson by its
 * hook. A test fails allocation 1, 2, 3, … until a run completes.
 */
#ifndef TESTS_SCARCE_H
#define TESTS_SCARCE_H

#include <stdbool.h>
#include <stddef.h>

/* Call once, before anything uses jansson. */
void scarce_init(void);

/* The nth allocation from now, counting from 1, will fail; later ones succeed. */
void scarce_fail_nth(unsigned nth);

/* From now on allocations of more than `size` bytes fail. */
void scarce_fail_above(size_t size);

/* Asked once for each allocation: true if this one, of `size` bytes, is to fail. */
bool scarce_refuses(size_t size);

/* Back to plenty. True if an allocation has failed since the last call of a function above. */
bool scarce_end(void);

#endif
