// SPDX-License-Identifier: GPL-2.0-or-later
/* Opening KVM, and what the virtual processor is. */
#include "base/bits.h"
#include "cpu/kvm/internal.h"
#include "mem/space.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICE "/dev/kvm"
#define BIT(n) (1u << (n))

#ifndef KVM_CAP_XSAVE2
#define KVM_CAP_XSAVE2 208
#endif

enum { API_VERSION = 12, XSAVE_SIZE = 4096, CPUID_ENTRIES = 256 };

/* ---- Probing --------------------------------------------------------------------------------- */

static pgr_status no_permission(struct pgr_error *e)
{
    enum { BUFFER = 1024 };
    char buffer[BUFFER];
    struct group group, *found = NULL;
    struct stat st;

    if (stat(DEVICE, &st) || getgrgid_r(st.st_gid, &group, buffer, sizeof buffer, &found) ||
        !found || !(st.st_mode & S_IRGRP) || !(st.st_mode & S_IWGRP))
        return err_set(e, PGR_E_UNSUPPORTED, "kvm: no permission to use " DEVICE);
    return err_set(e, PGR_E_UNSUPPORTED,
                   "kvm: no permission to use " DEVICE
                   "; members of the group '%s' have it (usermod -aG %s USER, then log in again)",
                   found->gr_name, found->gr_name);
}

static pgr_status open_device(int *fd, struct pgr_error *e)
{
    *fd = open(DEVICE, O_RDWR | O_CLOEXEC);
    if (*fd >= 0)
        return PGR_OK;
    if (errno == EACCES || errno == EPERM)
        return no_permission(e);
    if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
        return err_set(
            e, PGR_E_UNSUPPORTED,
            "kvm: this host has no " DEVICE
            "; its kernel needs the module kvm_intel or kvm_amd, and the firmware or the "
            "hypervisor around it must allow virtualisation");
    return err_errno(e, PGR_E_UNSUPPORTED, "kvm: cannot open " DEVICE);
}

static pgr_status check_device(int fd, struct pgr_error *e)
{
    static const struct {
        int cap, want;
        const char *name;
    } needed[] = {
        {KVM_CAP_USER_MEMORY, 1, "KVM_CAP_USER_MEMORY"},
        {KVM_CAP_SYNC_REGS, KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS, "KVM_CAP_SYNC_REGS"},
        {KVM_CAP_IMMEDIATE_EXIT, 1, "KVM_CAP_IMMEDIATE_EXIT"},
        {KVM_CAP_VCPU_EVENTS, 1, "KVM_CAP_VCPU_EVENTS"},
        {KVM_CAP_XSAVE, 1, "KVM_CAP_XSAVE"},
        {KVM_CAP_XCRS, 1, "KVM_CAP_XCRS"},
    };
    int version = ioctl(fd, KVM_GET_API_VERSION, 0);

    if (version < 0)
        return err_set(e, PGR_E_UNSUPPORTED, "kvm: " DEVICE " is not what it should be");
    if (version != API_VERSION)
        return err_set(e, PGR_E_UNSUPPORTED, "kvm: the kernel's interface has version %d, not %d",
                       version, API_VERSION);
    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        int has = ioctl(fd, KVM_CHECK_EXTENSION, needed[i].cap);
        if (has < 0 || (has & needed[i].want) != needed[i].want)
            return err_set(e, PGR_E_UNSUPPORTED, "kvm: the kernel lacks %s; a newer one has it",
                           needed[i].name);
    }
    return PGR_OK;
}

pgr_status kvm_probe(struct pgr_error *e)
{
    int fd;
    pgr_status status = open_device(&fd, e);
    if (status != PGR_OK)
        return status;
    status = check_device(fd, e);
    close(fd);
    return status;
}

/* Left to itself KVM changes guest code: vmcall to vmmcall, or the other way round. */
static void leave_hypercalls_alone(struct kvm_engine *k)
{
    int known = ioctl(k->vm, KVM_CHECK_EXTENSION, KVM_CAP_DISABLE_QUIRKS2);
    struct kvm_enable_cap cap = {.cap = KVM_CAP_DISABLE_QUIRKS2,
                                 .args = {KVM_X86_QUIRK_FIX_HYPERCALL_INSN}};
    if (known > 0 && (known & KVM_X86_QUIRK_FIX_HYPERCALL_INSN))
        ioctl(k->vm, KVM_ENABLE_CAP, &cap);
}

pgr_status kvm_open(struct kvm_engine *k, struct pgr_error *e)
{
    pgr_status status = open_device(&k->kvm, e);
    if (status == PGR_OK)
        status = check_device(k->kvm, e);
    if (status != PGR_OK)
        return status;
    k->vm = ioctl(k->kvm, KVM_CREATE_VM, 0);
    if (k->vm < 0)
        return err_errno(e, PGR_E_UNSUPPORTED, "kvm: cannot make a virtual machine");
    leave_hypercalls_alone(k);
    return PGR_OK;
}

void kvm_close(struct kvm_engine *k)
{
    if (k->shared)
        munmap(k->shared, k->shared_size);
    if (k->vcpu >= 0)
        close(k->vcpu);
    if (k->vm >= 0)
        close(k->vm);
    if (k->kvm >= 0)
        close(k->kvm);
    free(k->area);
}

/* ---- CPUID ----------------------------------------------------------------------------------- */

/* What a guest without a kernel cannot use, or is not to see. */
static void hide_features(struct kvm_cpuid_entry2 *c)
{
    switch (c->function) {
    case 1:
        c->ecx &= ~(BIT(3) /* MONITOR */ | BIT(5) /* VMX */ | BIT(31) /* hypervisor */);
        break;
    case 7:
        if (c->index == 0) {
            c->ebx &= ~BIT(2);                        /* SGX */
            c->edx &= ~(BIT(22) | BIT(24) | BIT(25)); /* AMX: x86_state does not hold it */
            c->ecx &= ~(BIT(3) /* PKU */ | BIT(30) /* SGX */);
        }
        break;
    case 0x80000001:
        c->ecx &= ~BIT(2); /* SVM */
        break;
    default:
        break;
    }
}

static bool hypervisor_leaf(uint32_t leaf)
{
    return leaf >= 0x40000000 && leaf < 0x50000000;
}

struct limits {
    uint64_t xcr0; /* as far as KVM and x86_state both have it */
    unsigned physical_bits;
};

static void find_limits(const struct kvm_engine *k, const struct kvm_cpuid2 *cpuid,
                        struct limits *out)
{
    enum { LEAF_XSAVE = 0xd, LEAF_SIZES = (int)0x80000008 };
    *out = (struct limits){X86_XF_X87 | X86_XF_SSE, 36};
    for (uint32_t i = 0; i < cpuid->nent; i++) {
        const struct kvm_cpuid_entry2 *c = &cpuid->entries[i];
        if (c->function == LEAF_XSAVE && c->index == 0)
            out->xcr0 = k->xsave.mask & (c->eax | (uint64_t)c->edx << 32) &
                        (k->base.cfg.xfeatures | X86_XF_X87 | X86_XF_SSE);
        else if (c->function == (uint32_t)LEAF_SIZES)
            out->physical_bits = c->eax & 0x3f;
    }
}

static bool set_cpuid(struct kvm_engine *k, struct limits *limits)
{
    struct kvm_cpuid2 *cpuid =
        calloc(1, sizeof *cpuid + CPUID_ENTRIES * sizeof(struct kvm_cpuid_entry2));
    uint32_t kept = 0;
    bool ok = false;

    if (!cpuid)
        return false;
    cpuid->nent = CPUID_ENTRIES;
    if (ioctl(k->kvm, KVM_GET_SUPPORTED_CPUID, cpuid) == 0) {
        find_limits(k, cpuid, limits);
        for (uint32_t i = 0; i < cpuid->nent; i++) {
            hide_features(&cpuid->entries[i]);
            if (!hypervisor_leaf(cpuid->entries[i].function))
                cpuid->entries[kept++] = cpuid->entries[i];
        }
        cpuid->nent = kept;
        ok = ioctl(k->vcpu, KVM_SET_CPUID2, cpuid) == 0;
    }
    free(cpuid);
    return ok;
}

/* ---- Registers that stay as they are --------------------------------------------------------- */

static bool set_control_registers(struct kvm_engine *k)
{
    enum {
        PAE = 1 << 5,
        OSFXSR = 1 << 9,
        OSXMMEXCPT = 1 << 10,
        FSGSBASE = 1 << 16,
        OSXSAVE = 1 << 18,
        CR0 = (int)0x80050033, /* PG AM WP NE ET MP PE */
        EFER = 0xd01,          /* NXE LMA LME SCE */
        SEL_TSS = 0x40,
        BUSY_TSS = 11
    };
    struct kvm_sregs *s = &k->user;

    if (ioctl(k->vcpu, KVM_GET_SREGS, s))
        return false;
    s->cr0 = (uint32_t)CR0;
    s->cr3 = k->pt.phys;
    s->cr4 = PAE | OSFXSR | OSXMMEXCPT | FSGSBASE | OSXSAVE;
    s->efer = EFER;
    s->gdt = (struct kvm_dtable){.base = SYSTEM_VA + SYSTEM_GDT, .limit = 0x57};
    s->idt = (struct kvm_dtable){.base = SYSTEM_VA + SYSTEM_IDT, .limit = VECTORS * 16 - 1};
    s->tr = (struct kvm_segment){.base = SYSTEM_VA + SYSTEM_TSS,
                                 .limit = 0x67,
                                 .selector = SEL_TSS,
                                 .type = BUSY_TSS,
                                 .present = 1};
    s->ldt = (struct kvm_segment){.unusable = 1};
    kvm_init_segments(k);
    return ioctl(k->vcpu, KVM_SET_SREGS, s) == 0;
}

static bool set_xcr0(struct kvm_engine *k, uint64_t xcr0)
{
    struct kvm_xcrs x = {.nr_xcrs = 1, .xcrs = {{.xcr = 0, .value = xcr0}}};
    return ioctl(k->vcpu, KVM_SET_XCRS, &x) == 0;
}

/* Without SYSENTER_CS that instruction is #GP, or #UD. */
static bool set_msrs(struct kvm_engine *k)
{
    enum { STAR = (int)0xc0000081, LSTAR, CSTAR, FMASK };
    const uint64_t kernel_cs = 0x08, user_cs = X86_SEL_CODE32, all_but_fixed = 0x47fd5;
    const struct kvm_msr_entry entries[] = {
        {.index = (uint32_t)STAR, .data = user_cs << 48 | kernel_cs << 32},
        {.index = (uint32_t)LSTAR, .data = SYSTEM_VA + SYSTEM_SYSCALL},
        {.index = (uint32_t)CSTAR, .data = SYSTEM_VA + SYSTEM_SYSCALL32},
        {.index = (uint32_t)FMASK, .data = all_but_fixed},
    };
    struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entries[ARRAY_LEN(entries)];
    } msrs = {.head.nmsrs = ARRAY_LEN(entries)};

    memcpy(msrs.entries, entries, sizeof entries);
    return ioctl(k->vcpu, KVM_SET_MSRS, &msrs) == ARRAY_LEN(entries);
}

static bool make_area(struct kvm_engine *k)
{
    int size = ioctl(k->vm, KVM_CHECK_EXTENSION, KVM_CAP_XSAVE2);
    k->area_size = size > XSAVE_SIZE ? (size_t)size : XSAVE_SIZE;
    k->area = calloc(1, k->area_size);
    return k->area != NULL;
}

static pgr_status map_vcpu(struct kvm_engine *k, struct pgr_error *e)
{
    k->vcpu = ioctl(k->vm, KVM_CREATE_VCPU, 0);
    if (k->vcpu < 0)
        return err_errno(e, PGR_E_NOMEM, "kvm: cannot make a virtual processor");
    int size = ioctl(k->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    void *p = size < (int)sizeof *k->shared
                  ? MAP_FAILED
                  : mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, k->vcpu, 0);
    if (p == MAP_FAILED)
        return err_errno(e, PGR_E_NOMEM, "kvm: cannot map the virtual processor's state");
    k->shared = p;
    k->shared_size = (size_t)size;
    k->shared->kvm_valid_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
    return PGR_OK;
}

pgr_status kvm_make_vcpu(struct kvm_engine *k, struct pgr_error *e)
{
    uint64_t highest = RAM_PHYS + mem_ram_limit(mem_space_ram(k->base.cfg.mem)) - 1;
    struct limits limits;

    pgr_status status = map_vcpu(k, e);
    if (status != PGR_OK)
        return status;
    x86_xsave_probe(&k->xsave);
    if (!make_area(k))
        return err_set(e, PGR_E_NOMEM, "kvm: no memory for the processor's state");
    if (!set_cpuid(k, &limits) || !set_control_registers(k) || !set_xcr0(k, limits.xcr0) ||
        !set_msrs(k))
        return err_errno(e, PGR_E_UNSUPPORTED,
                         "kvm: this host cannot make the virtual processor what it has to be");
    k->xsave.mask = limits.xcr0;
    if (highest >> limits.physical_bits)
        return err_set(e, PGR_E_UNSUPPORTED,
                       "kvm: physical addresses have %u bits here, too few for the guest's memory; "
                       "give it less (--memory)",
                       limits.physical_bits);
    return PGR_OK;
}
