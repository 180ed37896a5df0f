// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Snapshot files: a header, then one zstd frame with all state, in the order that kernel.h states:
 * each part names only what came before it.
 */
#include "base/hostio.h"
#include "base/vec.h"
#include "machine/aside.h"
#include "machine/breaks.h"
#include "machine/machine.h"
#include "mem/space.h"
#include "nt/io/io.h"
#include "win/win.h"

#include <zstd.h>

enum { VERSION = 5, LEVEL = 1 };
#define STATE_MAX (64ull << 30)

struct header {
    char magic[8];
    uint32_t version, flags;
    uint64_t state_size;
};
static const char magic[8] = "PGRSNAP";

static int open_file(void *ctx, const char *host_path, bool writable)
{
    return nt_io_reopen(ctx, host_path, writable);
}

/* The guest's DLLs are mapped already, and it will load more of them. */
static void transfer_root(struct pgr_machine *m, struct ser *s)
{
    char *name = s->loading ? NULL : m->root.name;
    ser_text(s, &name);
    if (!s->loading)
        return;
    if (!s->failed && (!name || strcmp(name, m->root.name)))
        ser_fail(s, "snapshot: it was made with another root than this machine's, %s",
                 m->root.name);
    free(name);
}

/* The process came with the objects; the machine's reference is among those that it counts. */
static void load_space(struct pgr_machine *m, struct ser *s)
{
    struct nt_process *p = s->failed ? NULL : nt_process_get(m->k, m->k->first_process);
    if (!p)
        ser_fail(s, "snapshot: it has no process");
    else if (win_create_space(m->k, p, NULL))
        ser_fail(s, "snapshot: no memory for its address space");
    if (!s->failed)
        m->p = p;
}

/* What the guest's export tables lead to must be there, whether somebody listens or not. */
static void transfer_hooks(struct pgr_machine *m, struct ser *s)
{
    bool any = m->hooks != NULL;
    SER(s, any);
    if (s->loading && any && !m->hooks && !s->failed)
        m->hooks = hooks_create(m->k);
    if (any && !s->failed)
        hooks_transfer(m->hooks, s);
}

static void transfer(struct pgr_machine *m, struct ser *s)
{
    ser_tag(s, "MACH");
    transfer_root(m, s);
    SER(s, m->services);
    SER(s, m->exit_address);
    SER(s, m->exit_byte);
    SER(s, m->slice_left);
    SER(s, m->k->cfg.xfeatures);
    m->k->cfg.xfeatures &= X86_XF_EXT;
    nt_kernel_transfer_host(m->k, s);
    mem_ram_transfer(s, m->ram);
    nt_kernel_transfer_objects(m->k, s);
    if (s->loading)
        load_space(m, s);
    if (s->failed)
        return;
    mem_transfer(s, m->p->mem);
    transfer_hooks(m, s);
    ser_tag(s, "DONE");
    if (s->loading)
        nt_kernel_settle(m->k, s);
}

pgr_status pgr_machine_save(struct pgr_machine *m, const char *path, struct pgr_error *err)
{
    struct ser s;
    if (!m->p)
        return err_set(err, PGR_E_STATE, "the machine has no program yet");
    if (machine_asides_wait(m))
        return err_set(err, PGR_E_STATE,
                       "a handler waits for a function of the guest's: save later");
    if (m->engine)
        cpu_collect_dirty(m->engine);
    ser_begin_save(&s);
    breaks_show(m, false, NULL);
    transfer(m, &s);
    breaks_show(m, !(m->ops->caps & CPU_CAP_OBSERVE), NULL);
    struct header h = {.version = VERSION, .state_size = s.len};
    memcpy(h.magic, magic, sizeof magic);
    size_t bound = ZSTD_compressBound(s.len);
    uint8_t *file = xmalloc(sizeof h + bound);
    memcpy(file, &h, sizeof h);
    size_t packed = ZSTD_compress(file + sizeof h, bound, s.data, s.len, LEVEL);
    pgr_status status = s.failed ? err_set(err, PGR_E_STATE, "%s", s.error.text)
                        : ZSTD_isError(packed)
                            ? err_set(err, PGR_E_STATE, "cannot compress the snapshot: %s",
                                      ZSTD_getErrorName(packed))
                            : host_write_file(path, file, sizeof h + packed, err);
    free(file);
    ser_end(&s);
    return status;
}

static pgr_status unpack(const struct host_map *map, const char *path, uint8_t **out, size_t *size,
                         struct pgr_error *e)
{
    struct header h;
    if (map->size < sizeof h || memcmp(map->data, magic, sizeof magic))
        return err_set(e, PGR_E_FORMAT, "%s is not a snapshot (offset 0: '%s' expected)", path,
                       magic);
    memcpy(&h, map->data, sizeof h);
    if (h.version != VERSION)
        return err_set(e, PGR_E_UNSUPPORTED,
                       "%s: snapshot version %u at offset 8; this program reads version %d", path,
                       h.version, VERSION);
    if (h.state_size > STATE_MAX ||
        ZSTD_getFrameContentSize(map->data + sizeof h, map->size - sizeof h) != h.state_size)
        return err_set(e, PGR_E_FORMAT,
                       "%s: the sizes at offsets 16 and 24 do not agree; the file "
                       "is damaged or cut short",
                       path);
    *out = malloc(h.state_size ? h.state_size : 1);
    if (!*out)
        return err_set(e, PGR_E_NOMEM, "%s: no memory for %llu bytes of state", path,
                       (unsigned long long)h.state_size);
    size_t n = ZSTD_decompress(*out, h.state_size, map->data + sizeof h, map->size - sizeof h);
    if (ZSTD_isError(n) || n != h.state_size)
        return err_set(e, PGR_E_FORMAT, "%s: the compressed state is damaged: %s", path,
                       ZSTD_isError(n) ? ZSTD_getErrorName(n) : "it ends early");
    *size = n;
    return PGR_OK;
}

static pgr_status load(struct pgr_machine *m, const uint8_t *state, size_t size, const char *path,
                       struct pgr_error *err)
{
    struct ser in;
    pgr_status s = PGR_OK;
    ser_begin_load(&in, state, size);
    mem_ram_set_opener(m->ram, open_file, m->k);
    transfer(m, &in);
    mem_ram_set_opener(m->ram, NULL, NULL);
    if (!in.failed && in.at != in.len)
        ser_fail(&in, "snapshot: %zu bytes too many at offset %zu", in.len - in.at, in.at);
    if (in.failed) {
        nt_kernel_abandon(m->k);
        s = err_set(err, PGR_E_FORMAT, "%s: %s", path, in.error.text);
    }
    ser_end(&in);
    return s;
}

pgr_status pgr_machine_restore(struct pgr_machine *m, const char *path, const int std_fd[3],
                               struct pgr_error *err)
{
    struct host_map map;
    uint8_t *state = NULL;
    size_t size = 0;
    bool defaults = !std_fd || (!std_fd[0] && !std_fd[1] && !std_fd[2]);
    if (m->p)
        return err_set(err, PGR_E_STATE, "this machine has its program already");
    pgr_status s = host_map_open(&map, path, err);
    if (s)
        return s;
    s = unpack(&map, path, &state, &size, err);
    for (int i = 0; i < 3; i++)
        nt_io_set_std(m->k, i, defaults ? i : std_fd[i]);
    if (!s)
        s = load(m, state, size, path, err);
    free(state);
    host_map_close(&map);
    if (!s)
        s = win_resume(m->k, err);
    if (!s)
        s = machine_make_engine(m, err);
    return s;
}
