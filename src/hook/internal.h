/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HOOK_INTERNAL_H
#define HOOK_INTERNAL_H
/* Shared between the files of hook/ only. */
#include "base/bits.h"
#include "hook/hook.h"

enum { GATE_CALL, GATE_RETURN, GATE_COUNT, GATE_STEP = 16 };

/* The calls of a thread that have not returned, outermost first. */
struct hook_thread {
    nt_id thread;
    VEC(struct hook_call) calls;
    /* Not 0: the guest may be looking at the stack until the stack pointer is here again; slots
     * hold the true addresses. */
    uint64_t calm;
};

struct hooks {
    struct nt_kernel *k;
    struct hook_listener listeners[HOOK_LISTENERS]; /* without `enter`: none */
    bool see_all;
    VEC(struct hook_module *) modules; /* also those gone to whose symbols calls still point */
    unsigned busy;                     /* gates that listeners are being told of */
    VEC(struct hook_module *) mapped;  /* in order of process and base */
    struct hook_module *last;          /* found last */
    hook_note_fn *note;                /* NULL: nobody notes calls */
    void *note_ctx;
    bool unhook; /* some module's imports are to lead past the thunks */
    VEC(struct hook_thread *) threads;
};

uint64_t hook_gate_address(unsigned number);

/* modules.c: the thunk that has `back` as its return address; NULL: none has. */
struct hook_symbol *hook_thunk_at(struct hooks *h, const struct nt_process *p, uint64_t back);
/* The thunk of the function at an address; 0: it has none. */
uint64_t hook_thunk_of(struct hooks *h, const struct nt_process *p, uint64_t address);
/* Where the function is, through forwarders; 0: its module is not there. */
uint64_t hook_target(struct hooks *h, const struct nt_process *p, struct hook_symbol *s);
void hook_module_free(struct hooks *h, struct hook_module *m);
void hook_module_transfer(struct hooks *h, struct ser *s, struct hook_module *m);
/* Enters m in `mapped`. */
void hook_module_insert(struct hooks *h, struct hook_module *m);
void hook_ask_listeners(struct hooks *h, struct hook_symbol *s);

/* None of the calls that were noted so far is to be any more. */
void hook_forget_noted(struct hooks *h);
/* Exports that are wanted now get thunks. */
void hook_module_refresh(struct hooks *h, struct hook_module *m);

/* The image at base, of which the headers can be read, and the directory of that number. */
struct pe_image;
bool hook_open_image(struct hooks *h, struct nt_process *p, uint64_t base, struct pe_image *img,
                     unsigned directory);

/* imports.c: m's imports lead past the thunks, or to them. */
void hook_unhook_imports(struct hooks *h, struct nt_process *p, struct hook_module *m);
void hook_hook_imports(struct hooks *h, struct nt_process *p, struct hook_module *m);

/* calls.c: whether a call of one of its functions goes on. */
bool hook_is_called(const struct hooks *h, const struct hook_module *m);
void hook_dispatch(void *ctx, struct nt_thread *t);
void hook_continue(void *ctx, struct nt_thread *t);
void hook_thread_free(struct hook_thread *ht);
void hook_thread_transfer(struct hooks *h, struct ser *s, struct hook_thread *ht);

/* special.c: false: it must not have a thunk at all. */
bool hook_classify(const char *module, const char *name, enum hook_kind *kind);

/* The program's memory, pointers of its own size. */
static inline bool hook_peek_ptr(const struct nt_process *p, uint64_t va, uint64_t *out)
{
    *out = 0;
    return mem_peek(p->mem, va, out, p->ptr_size);
}
#endif
