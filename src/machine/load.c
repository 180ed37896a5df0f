// SPDX-License-Identifier: GPL-2.0-or-later
/* From a program's name on the host to a process that is ready to run. */
#include "base/bits.h"
#include "base/hostio.h"
#include "base/vec.h"
#include "machine/machine.h"
#include "mem/space.h"
#include "nt/cm/registry.h"
#include "nt/io/io.h"
#include "win/program.h"
#include "win/win.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#define GUEST_CWD     "C:\\work"
#define GUEST_PROGRAM "C:\\program"

static bool is_guest_path(const char *path)
{
    return ((path[0] | 32) >= 'a' && (path[0] | 32) <= 'z') && path[1] == ':' &&
           (path[2] == '\\' || path[2] == '/');
}

static pgr_status mount_windows(struct pgr_machine *m, bool is64, struct pgr_error *e)
{
    static const char *const directories[] = {
        "C:\\users\\user\\AppData\\Local\\Temp",
        "C:\\users\\user\\AppData\\Roaming",
        "C:\\users\\user\\Documents",
        "C:\\users\\user\\Desktop",
        "C:\\users\\Public",
        "C:\\ProgramData",
        "C:\\Program Files\\Common Files",
    };
    const char *system = is64 ? m->root.system32 : m->root.syswow64;
    if (!system)
        return err_set(e, PGR_E_NOT_FOUND,
                       "the root %s has no DLLs for %s programs; scripts/guest-dlls fetches both "
                       "kinds, or choose another with --root",
                       m->root.name, is64 ? "64-bit" : "32-bit");
    /* Programs keep their .ini files beside the system directory, which itself stays as it is. */
    pgr_status s = nt_io_mount(m->k, "C:\\windows", m->root.windows, NT_MOUNT_COPY_ON_WRITE, e);
    if (!s)
        s = nt_io_mount(m->k, "C:\\windows\\system32", system, NT_MOUNT_READ_ONLY, e);
    /* Where a 32-bit program finds the 64-bit directory, and the kernel the tables that lie there.
     */
    if (!s && !is64 && m->root.system32)
        s = nt_io_mount(m->k, "C:\\windows\\sysnative", m->root.system32, NT_MOUNT_READ_ONLY, e);
    if (!s && m->root.version && !strcmp(m->root.kind, "wine"))
        nt_registry_set_text(m->k, "HKLM\\Software\\Wine", "Version", m->root.version);
    for (size_t i = 0; i < sizeof directories / sizeof *directories && !s; i++)
        s = nt_io_make_dir(m->k, directories[i], e);
    return s;
}

static pgr_status mount_cwd(struct pgr_machine *m, const struct pgr_program *prog,
                            struct pgr_error *e)
{
    char *cwd = realpath(prog->cwd ? prog->cwd : ".", NULL);
    if (!cwd)
        return err_errno(e, PGR_E_NOT_FOUND, "cannot use %s as the working directory",
                         prog->cwd ? prog->cwd : "the current directory");
    pgr_status s = nt_io_mount(
        m->k, GUEST_CWD, cwd,
        prog->cwd_mode == PGR_MOUNT_READ_WRITE ? NT_MOUNT_READ_WRITE : NT_MOUNT_COPY_ON_WRITE, e);
    free(cwd);
    return s;
}

/* The program's guest path; its directory is shown read-only when no mount shows it yet. */
static pgr_status show_program(struct pgr_machine *m, const char *host, char **guest,
                               struct pgr_error *e)
{
    *guest = nt_io_guest_path(m->k, host);
    if (*guest)
        return PGR_OK;
    char *dir = xstrdup(host), *slash = strrchr(dir, '/');
    slash[slash == dir] = 0;
    pgr_status s = nt_io_mount(m->k, GUEST_PROGRAM, dir, NT_MOUNT_READ_ONLY, e);
    free(dir);
    if (!s) {
        *guest = nt_io_guest_path(m->k, host);
        if (!*guest)
            s = err_set(e, PGR_E_STATE, "%s cannot be shown to the guest", host);
    }
    return s;
}

static pgr_status mount_all(struct pgr_machine *m, const struct pgr_program *prog, char **guest,
                            struct pgr_error *e)
{
    char *host = NULL;
    struct host_map map;
    struct pe_image img;
    bool is64 = !prog->prefer_32bit;
    pgr_status s = PGR_OK;
    if (is_guest_path(prog->path)) {
        *guest = xstrdup(prog->path);
        host = nt_io_host_path(m->k, prog->path);
    } else {
        s = win_find_program(&m->root, prog->path, prog->prefer_32bit, &host, e);
    }
    if (!s && host && !(s = win_open_program(host, &map, &img, e))) {
        is64 = img.h.is64;
        host_map_close(&map);
    }
    if (!s)
        s = mount_windows(m, is64, e);
    if (!s)
        s = mount_cwd(m, prog, e);
    if (!s && !*guest)
        s = show_program(m, host, guest, e);
    free(host);
    return s;
}

static void set_std(struct pgr_machine *m, const int fds[3])
{
    bool defaults = !fds[0] && !fds[1] && !fds[2];
    for (int i = 0; i < 3; i++)
        nt_io_set_std(m->k, i, defaults ? i : fds[i]);
}

static pgr_status arm_exit(struct pgr_machine *m, uint64_t address, struct pgr_error *e)
{
    uint8_t int3 = 0xcc;
    if (!address)
        return PGR_OK;
    if (!mem_peek(m->p->mem, address, &m->exit_byte, 1) || mem_poke(m->p->mem, address, &int3, 1))
        return err_set(e, PGR_E_ARGUMENT,
                       "the exit address 0x%llx is not in the program; it is mapped at 0x%llx",
                       (unsigned long long)address, (unsigned long long)m->p->image_base);
    m->exit_address = address;
    return PGR_OK;
}

/* Auto goes on to the next engine, which may keep another clock and have fewer registers; nothing
 * has run yet. */
static bool next_engine(struct pgr_machine *m, const struct pgr_error *why)
{
    if (!machine_plan_next(&m->plan, why))
        return false;
    m->ops = m->plan.steps.data[0].ops;
    m->k->cfg.xfeatures = m->plan.xfeatures;
    nt_clock_begin(m->k, machine_follows_host(m));
    if (m->p)
        win_show_processor(m->k, m->p);
    return true;
}

bool machine_choose_engine(struct pgr_machine *m, unsigned cap, const struct pgr_error *why)
{
    m->plan.wants_sights |= !m->p && m->plan.automatic && cap == CPU_CAP_OBSERVE;
    while (!m->p && !(m->ops->caps & cap) && next_engine(m, why))
        ;
    return m->ops->caps & cap;
}

/* The engine, now that the program is known: some refuse one kind. Whatever else an engine lacks,
 * another may need less of it. */
static pgr_status begin_engine(struct pgr_machine *m, struct pgr_error *e)
{
    struct pgr_error own;
    pgr_status s;
    e = e ? e : &own;
    do
        s = machine_make_engine(m, e);
    while (s && next_engine(m, e));
    m->unproven = !s;
    if (s && m->plan.automatic) /* the last one's reason alone would mislead */
        return err_set(e, PGR_E_ENGINE, "no engine can run this here: %s", m->plan.why);
    return s == PGR_E_UNSUPPORTED || s == PGR_E_IO ? e->status = PGR_E_ENGINE : s;
}

bool machine_replace_engine(struct pgr_machine *m, const char *why)
{
    struct pgr_error e;
    if (!m->unproven)
        return false;
    err_set(&e, PGR_E_UNSUPPORTED, "%s", why);
    if (!next_engine(m, &e))
        return false;
    machine_retire_engine(m);
    return !begin_engine(m, &e);
}

/* What the guest sees: as many as really run its threads, unless the user wants another number. */
static unsigned processors(const struct pgr_machine *m)
{
    if (m->cfg.processors)
        return m->cfg.processors;
    return m->ops->caps & CPU_CAP_PARALLEL ? MIN(host_processors(), MACHINE_WORKERS_MAX) : 1;
}

pgr_status pgr_machine_load(struct pgr_machine *m, const struct pgr_program *prog,
                            struct pgr_error *err)
{
    char *guest = NULL;
    struct nt_process *p;
    if (m->p)
        return err_set(err, PGR_E_STATE, "this machine has its program already");
    pgr_status s = mount_all(m, prog, &guest, err);
    if (!s) {
        struct win_boot b = {
            .program = guest,
            .args = prog->args,
            .cwd = prog->guest_cwd ? prog->guest_cwd : GUEST_CWD,
            .env = prog->env,
            .processors = processors(m),
            .entry = prog->entry,
        };
        set_std(m, prog->std_fd);
        s = win_boot(m->k, &b, &p, err);
    }
    free(guest);
    if (s)
        return s;
    m->p = p;
    nt_object_ref(&p->o);
    s = begin_engine(m, err);
    if (!s)
        machine_points_begin(m);
    return s ? s : arm_exit(m, prog->exit, err);
}
