/* Stores that earlier versions wrote, from tests/fixtures/stores. */
#ifndef TESTS_FIXTURE_H
#define TESTS_FIXTURE_H

/* The versions that have left fixtures, oldest first; NULL ends them. */
extern const char *const fixture_versions[];
/* Likewise, with those of which there is only the daemon's. */
extern const char *const fixture_daemon_versions[];

/*
 * Copies the fixture of `version` ("daemon" or "relay" in `which`) to a directory that only its
 * owner may use, where a program may go on with it. New; tempdir_remove(). Skips the test where
 * LMDB's files are laid out differently: they follow the machine's word size and byte order.
 */
char *fixture_copy(const char *version, const char *which);

#endif
