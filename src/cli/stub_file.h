/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_STUB_FILE_H
#define CLI_STUB_FILE_H
/* A program of our own (win_stub_image) in a temporary directory. */
#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

struct stub_file {
    char *dir, *path; /* owned */
};

/* PGR_E_IO with a sentence, and nothing is left; else the caller removes it in the end. */
pgr_status stub_file_write(struct stub_file *f, unsigned ptr_size, const void *code, size_t size,
                           uint32_t entry, struct pgr_error *e);
void stub_file_remove(struct stub_file *f);
#endif
