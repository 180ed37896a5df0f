// SPDX-License-Identifier: GPL-2.0-or-later
/* Making the first process of a machine, in the order in which NT does it. */
#include "base/hostio.h"
#include "base/utf.h"
#include "base/vec.h"
#include "mem/space.h"
#include "nt/ex/ex.h"
#include "nt/io/io.h"
#include "nt/mm/mm.h"
#include "nt/se/token.h"
#include "pe/apiset.h"
#include "pe/pe.h"
#include "win/internal.h"
#include "win/kuser.h"

#include <unistd.h>

enum { LOWEST = 0x10000, LARGE_ADDRESS_AWARE = 0x20 };

struct booting {
    struct nt_kernel *k;
    const struct win_boot *b;
    struct nt_process *p;
    struct pgr_error *e;
    int fd;
    uint16_t *nt_path;
    size_t nt_path_len;
};

static pgr_status os_failed(struct booting *w, const char *what, ntstatus s)
{
    const char *name = ntstatus_name(s);
    return err_set(w->e, s == STATUS_NO_MEMORY ? PGR_E_NOMEM : PGR_E_STATE,
                   "cannot %s: %s (0x%08x)", what, name ? name : "unknown status", s);
}

static pgr_status open_program(struct booting *w)
{
    size_t len;
    uint16_t *path = utf8_to_utf16(w->b->program, strlen(w->b->program), &len);
    ntstatus s = nt_io_open_host(w->k, path, len, &w->fd, &w->nt_path, &w->nt_path_len);
    free(path);
    if (s)
        return err_set(w->e, PGR_E_NOT_FOUND, "%s does not exist in the guest's file system",
                       w->b->program);
    return PGR_OK;
}

/* Looks at the headers before anything is made, for the sentence and for the bitness. */
static pgr_status check_program(struct booting *w)
{
    struct host_map map;
    struct pe_image img;
    pgr_status s = host_map_fd(&map, dup(w->fd), w->b->program, w->e);
    if (!s)
        s = pe_open(&img, map.data, map.size, PE_FILE, w->b->program, w->e);
    if (s) {
        host_map_close(&map);
        return s;
    }
    s = pe_check_program(&img, w->e);
    w->p->large_address_aware = img.h.characteristics & LARGE_ADDRESS_AWARE;
    w->p->ptr_size = img.h.is64 ? 8 : 4;
    host_map_close(&map);
    return s;
}

pgr_status win_create_space(struct nt_kernel *k, struct nt_process *p, struct pgr_error *e)
{
    struct mem_config cfg = {.ram = k->ram, .lowest = LOWEST, .ptr_size = p->ptr_size};
    if (p->ptr_size == 8)
        cfg.highest = 0x7ffffffeffff;
    else
        cfg.highest = p->large_address_aware ? 0xfffeffff : 0x7ffeffff;
    return mem_create(&cfg, &p->mem, e);
}

static pgr_status map_ntdll(struct booting *w)
{
    static const uint16_t path[] = u"C:\\windows\\system32\\ntdll.dll";
    struct nt_image_info info;
    struct nt_process *p = w->p;
    uint16_t *nt_path;
    size_t len;
    int fd;
    ntstatus s = nt_io_open_host(w->k, path, sizeof path / 2 - 1, &fd, &nt_path, &len);
    if (s)
        return err_set(w->e, PGR_E_NOT_FOUND,
                       "the root has no ntdll.dll for %s programs; `peregrine roots` lists what is "
                       "installed, and scripts/guest-dlls fetches both kinds",
                       p->ptr_size == 4 ? "32-bit" : "64-bit");
    s = nt_map_image_file(w->k, p, fd, nt_path, len, &info, w->e);
    close(fd);
    free(nt_path);
    if (!nt_success(s))
        return w->e->text[0] ? PGR_E_FORMAT : os_failed(w, "map ntdll.dll", s);
    if (info.is64 != (p->ptr_size == 8))
        return err_set(w->e, PGR_E_FORMAT, "the root's ntdll.dll is not for %s programs",
                       p->ptr_size == 4 ? "32-bit" : "64-bit");
    p->ntdll_base = info.base;
    p->ldr_init_thunk = win_export(w->k, p, info.base, "LdrInitializeThunk");
    p->rtl_user_thread_start = win_export(w->k, p, info.base, "RtlUserThreadStart");
    p->ki_exception = win_export(w->k, p, info.base, "KiUserExceptionDispatcher");
    p->ki_apc = win_export(w->k, p, info.base, "KiUserApcDispatcher");
    p->ki_callback = win_export(w->k, p, info.base, "KiUserCallbackDispatcher");
    if (!p->ldr_init_thunk)
        return err_set(w->e, PGR_E_FORMAT,
                       "the root's ntdll.dll does not export "
                       "LdrInitializeThunk: it cannot start a process");
    return PGR_OK;
}

static pgr_status map_program(struct booting *w)
{
    struct nt_image_info info;
    struct nt_process *p = w->p;
    ntstatus s = nt_map_image_file(w->k, p, w->fd, w->nt_path, w->nt_path_len, &info, w->e);
    if (!nt_success(s))
        return w->e->text[0] ? PGR_E_FORMAT : os_failed(w, "map the program", s);
    p->image_base = info.base;
    p->entry = w->b->entry ? w->b->entry : info.entry ? info.base + info.entry : 0;
    p->image_path = w->nt_path;
    p->image_path_len = w->nt_path_len;
    w->nt_path = NULL;
    return PGR_OK;
}

/* PEB.ApiSetMap points to the schema itself, which programs and loader read. */
static pgr_status map_apiset(struct booting *w)
{
    static const uint16_t path[] = u"C:\\windows\\system32\\apisetschema.dll";
    struct nt_process *p = w->p;
    struct host_map map;
    struct pe_image img;
    struct pe_apiset set;
    uint64_t va = 0, size;
    int fd;
    if (nt_io_open_host(w->k, path, sizeof path / 2 - 1, &fd, NULL, NULL))
        return PGR_OK; /* Windows before 7 has none */
    pgr_status s = host_map_fd(&map, fd, "apisetschema.dll", w->e);
    if (!s)
        s = pe_open(&img, map.data, map.size, PE_FILE, "apisetschema.dll", w->e);
    if (!s)
        s = pe_apiset_open(&set, &img, w->e);
    if (!s) {
        size = set.size;
        ntstatus n = mem_reserve(p->mem, &va, &size, PAGE_READONLY, true, NULL);
        if (!n)
            n = mem_poke(p->mem, va, set.data, set.size);
        if (!n)
            n = win_put_ptr(p, p->peb + win_offsets_of(p->ptr_size)->peb.api_set_map, va);
        if (n)
            s = os_failed(w, "map the API-set schema", n);
    }
    host_map_close(&map);
    return s;
}

static void install_upcalls(struct nt_kernel *k)
{
    k->up.raise = win_raise;
    k->up.apc = win_apc;
    k->up.thread_start = win_thread_start;
    k->up.thread_stop = win_thread_stop;
    k->up.grow_stack = win_stack_touch;
    k->up.more_services = win_scan_win32u;
}

static struct nt_process *create_process(struct nt_kernel *k, const struct win_boot *b)
{
    struct nt_process *p = nt_object_new(k, NT_TYPE_PROCESS);
    unsigned n = b->processors ? b->processors : 1;
    p->pid = k->next_client_id;
    k->next_client_id += 4;
    p->exit_status = STATUS_PENDING;
    p->created = nt_system_time(k);
    p->affinity = n >= 64 ? UINT64_MAX : (1ull << n) - 1;
    p->priority_class = 2;
    p->execute_flags = 0xd; /* DEP on, permanent */
    p->cookie = nt_random(k);
    k->ex->cpu_count = n;
    k->first_process = p->o.id;
    return p;
}

static pgr_status boot_steps(struct booting *w)
{
    struct nt_kernel *k = w->k;
    struct nt_process *p = w->p;
    pgr_status s = open_program(w);
    if (!s)
        s = check_program(w);
    if (!s)
        s = win_create_space(w->k, w->p, w->e);
    if (!s)
        s = win_synthetic_install(w->k, w->p->ptr_size, w->e);
    if (s)
        return s;
    win_ini_install(k);
    p->token = nt_token_create_initial(k)->o.id;
    ntstatus n = win_kuser_map(k, p, w->b->processors ? w->b->processors : 1);
    if (!n)
        n = win_gates_map(p);
    if (n)
        return os_failed(w, "map the shared pages", n);
    /* The program first: it may have a fixed base. */
    s = map_program(w);
    if (!s)
        s = map_ntdll(w);
    if (!s)
        s = win_scan_services(k, p, w->e);
    if (s)
        return s;
    win_wine_connect(k, p);
    if ((n = win_peb_create(k, p, w->b)))
        return os_failed(w, "make the process environment", n);
    s = map_apiset(w);
    if (s)
        return s;
    struct nt_thread *t;
    n = nt_thread_create(k, p, p->entry, p->peb, 0, 0, false, &t);
    if (n)
        return os_failed(w, "make the first thread", n);
    nt_object_unref(k, &t->o); /* it keeps itself */
    return PGR_OK;
}

pgr_status win_boot(struct nt_kernel *k, const struct win_boot *b, struct nt_process **out,
                    struct pgr_error *e)
{
    struct pgr_error local = {0};
    struct booting w = {.k = k, .b = b, .e = &local, .fd = -1};
    install_upcalls(k);
    w.p = create_process(k, b);
    pgr_status s = boot_steps(&w);
    if (w.fd >= 0)
        close(w.fd);
    free(w.nt_path);
    *out = w.p;
    if (s && e)
        *e = local;
    return s;
}

pgr_status win_resume(struct nt_kernel *k, struct pgr_error *e)
{
    struct nt_process *p = nt_process_get(k, k->first_process);
    install_upcalls(k);
    if (!p)
        return err_set(e, PGR_E_FORMAT, "snapshot: it has no process");
    return win_scan_services(k, p, e);
}
