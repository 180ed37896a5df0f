/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef WIN_PROGRAM_H
#define WIN_PROGRAM_H
/* The program that a user names, on the host. */
#include "base/hostio.h"
#include "pe/pe.h"
#include "win/roots.h"

/*
 * The host file that `name` means: a path, a file in the current directory, or the name of one of
 * the root's own programs, with or without ".exe"; of those the 64-bit one comes first unless
 * prefer_32bit. *out is from malloc. PGR_E_NOT_FOUND or PGR_E_IO with a sentence.
 */
pgr_status win_find_program(const struct win_root *root, const char *name, bool prefer_32bit,
                            char **out, struct pgr_error *e);

/*
 * Maps the file and refuses what cannot run, in terms of the host's file. On success the caller
 * closes *map, which *img borrows, as it does `path`; on failure nothing is left open.
 */
pgr_status win_open_program(const char *path, struct host_map *map, struct pe_image *img,
                            struct pgr_error *e);
#endif
