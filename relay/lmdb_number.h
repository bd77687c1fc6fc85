/*
 * Which numbers of an app are taken as nameplates: for each length a tree of digits, whose nodes
 * count how many numbers are taken below each digit. So the n-th free number of a length is found
 * in as many steps as it has digits, and one random n gives each free number the same chance,
 * however many are taken.
 */
#ifndef RELAY_LMDB_NUMBER_H
#define RELAY_LMDB_NUMBER_H

#include <stdbool.h>

#include "relay/lmdb_rows.h"

/* Digits of the longest number that is given out. A thousand million are enough for an app. */
#define LMDB_NUMBER_DIGITS 9

/* A nameplate was made or has gone. One that is no number, or too long, or begins with a zero, is
 * never given out, and not counted. */
void lmdb_number_mark(struct lmdb_change *change, const char *appid, const char *nameplate,
                      bool taken);

/* Picks one of the shortest free numbers, each with the same chance. False if every number is
 * taken, or after an error. */
bool lmdb_number_pick(struct lmdb_change *change, const char *appid,
                      char ret_number[LMDB_NUMBER_DIGITS + 1]);

#endif
