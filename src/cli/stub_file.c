// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/stub_file.h"
#include "base/hostio.h"
#include "base/vec.h"
#include "win/win.h"

#include <stdlib.h>
#include <unistd.h>

pgr_status stub_file_write(struct stub_file *f, unsigned ptr_size, const void *code, size_t size,
                           uint32_t entry, struct pgr_error *e)
{
    const char *tmp = getenv("TMPDIR");
    size_t image_size;
    *f = (struct stub_file){.dir = xasprintf("%s/peregrine-XXXXXX", tmp && *tmp ? tmp : "/tmp")};
    if (!mkdtemp(f->dir)) {
        pgr_status s = err_errno(e, PGR_E_IO, "cannot make a temporary directory %s", f->dir);
        free(f->dir);
        f->dir = NULL;
        return s;
    }
    uint8_t *image = win_stub_image(ptr_size, code, size, entry, &image_size);
    f->path = xasprintf("%s/program.exe", f->dir);
    pgr_status s = host_write_file(f->path, image, image_size, e);
    free(image);
    if (s)
        stub_file_remove(f);
    return s;
}

void stub_file_remove(struct stub_file *f)
{
    if (f->path)
        unlink(f->path);
    if (f->dir)
        rmdir(f->dir);
    free(f->path);
    free(f->dir);
    *f = (struct stub_file){0};
}
