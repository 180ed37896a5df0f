/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HOOK_INTERNAL_H
#define HOOK_INTERNAL_H
/* Shared between the files of hook/ only. */
#include "base/bits.h"
#include "hook/hook.h"
#include "pe/pe.h"

enum { GATE_CALL, GATE_RETURN, GATE_COUNT, GATE_STEP = 16 };
enum { HOOK_FOUND = 64 };

/* The calls of a thread that have not returned, outermost first. */
struct hook_thread {
    nt_id thread;
    VEC(struct hook_call) calls;
    size_t silent; /* how many of them nobody wants to hear of the end of */
    bool touched;  /* something else than records has changed them (hooks_touched) */
    /* Not 0: the guest may be looking at the stack until the stack pointer is here again; slots
     * hold the true addresses. */
    uint64_t calm;
};

enum {
    HOOK_BLOCK = 16,
    HOOK_EXPORTS_MAX = 0x10000,
    HOOK_MARK = 8,
    HOOK_NAMES = 8, /* besides the first; others are not known of */
    HOOK_NAMES_SIZE = 1 << 20
};

/* A module's export tables as its image was laid out: borrowed from that. A row is an index in the
 * export address table. */
struct hook_exports {
    struct pe_image img;
    struct pe_exports ex;
    const char *texts; /* the directory's bytes, the last one is 0; NULL: names may lie elsewhere */
    struct pe_section section; /* that was looked at last */
};

/* What names of special functions begin with; see special.c. */
struct hook_marks {
    uint64_t bits[128];
};

/* A thunk that was looked up, as long as modules stay. */
enum { HOOK_RECENT = 64 };
struct hook_recent {
    uint64_t key, changes;
    nt_id process;
    struct hook_symbol *symbol;
};

struct hooks {
    struct nt_kernel *k;
    struct hook_marks marks;
    struct hook_listener listeners[HOOK_LISTENERS]; /* without `enter`: none */
    bool see_all;
    VEC(struct hook_module *) modules;     /* also those gone to whose symbols calls still point */
    unsigned busy;                         /* gates that listeners are being told of */
    VEC(struct hook_module *) mapped;      /* in order of process and base */
    struct hook_module *found[HOOK_FOUND]; /* of those, by what was looked for; NULL: nobody did */
    uint64_t changes;                      /* of `mapped` */
    struct hook_recent recent[HOOK_RECENT];
    hook_note_fn *note; /* NULL: nobody notes calls */
    void *note_ctx;
    bool noted;  /* calls of some functions are */
    bool unhook; /* some module's imports are to lead past the thunks */
    VEC(struct hook_thread *) threads;
};

uint64_t hook_gate_address(unsigned number);

/* As `*to = *from`, in parts for which gcc makes moves: of all it would make one instruction that
 * takes as long as the rest of a call. */
static inline void hook_call_copy(struct hook_call *to, const struct hook_call *from)
{
    memcpy(to, from, offsetof(struct hook_call, saved));
    memcpy(to->saved, from->saved, sizeof to->saved);
    memcpy(to->kept, from->kept, sizeof to->kept);
}

static inline void hook_call_clear(struct hook_call *c)
{
    enum { PART = 64 };
    memset(c, 0, offsetof(struct hook_call, saved));
    memset(c->saved, 0, PART);
    memset((char *)c->saved + PART, 0, sizeof c->saved - PART);
    memset(c->kept, 0, PART);
    memset((char *)c->kept + PART, 0, sizeof c->kept - PART);
}

/* modules.c: by a name that may be without its ".dll". */
struct hook_module *hook_module_named(struct hooks *h, const struct nt_process *p, const char *name,
                                      size_t len);
void hook_module_free(struct hooks *h, struct hook_module *m);
void hook_module_transfer(struct hooks *h, struct ser *s, struct hook_module *m);
/* Enters m in `mapped`. */
void hook_module_insert(struct hooks *h, struct hook_module *m);

/* None of the calls that were noted so far is to be any more. */
void hook_forget_noted(struct hooks *h);

/* exports.c: the image at base, of which the headers can be read, and the directory of that
 * number. */
bool hook_open_image(struct hooks *h, struct nt_process *p, uint64_t base, struct pe_image *img,
                     unsigned directory);
/* NULL: there are none that can be read, or the module is gone. */
struct hook_exports *hook_exports_of(struct hooks *h, struct hook_module *m);
void hook_exports_close(struct hook_module *m);
/* An entry of the table of names; NULL: it leads out of the image. */
const char *hook_name_at(const struct hook_exports *x, uint32_t i);
/* A row's first name; NULL: it has none. */
const char *hook_name_of(const struct hook_exports *x, uint32_t row);
bool hook_is_code(struct hook_exports *x, uint32_t rva);
/* What is exported is code, or leads to another DLL. */
bool hook_is_function(struct hook_exports *x, const struct pe_export *e);
/* A row, or a name or "#17", that is a function: false if not. */
bool hook_row(struct hook_exports *x, uint32_t row, struct pe_export *out);
bool hook_row_named(struct hooks *h, struct hook_module *m, const char *name,
                    struct pe_export *out);
/* The symbol of a row, made when it is asked for first; NULL: it is no function. */
struct hook_symbol *hook_symbol(struct hooks *h, struct hook_module *m, uint32_t row);
/* NULL: it was not asked for. */
struct hook_symbol *hook_symbol_made(const struct hook_module *m, uint32_t row);
/* The first one that was, from a row on. */
struct hook_symbol *hook_symbol_next(const struct hook_module *m, uint32_t row);
/* One that is not there yet, without anything known of it. */
struct hook_symbol *hook_symbol_new(struct hook_module *m, uint32_t row);
/* Texts are e's. */
void hook_symbol_describe(struct hook_symbol *s, const struct hook_module *m,
                          const struct pe_export *e);
void hook_symbols_free(struct hooks *h, struct hook_module *m);
static inline bool hook_is_wanted(const struct hook_module *m, uint32_t row)
{
    return m->wanted && m->wanted[row / 64] >> (row % 64) & 1;
}

/* thunks.c: exports that are wanted now get thunks, and listeners are asked again. */
void hook_module_refresh(struct hooks *h, struct hook_module *m);
/* Another module came: forwarders of those that were there may have found where they lead. */
void hook_follow_forwards(struct hooks *h, struct nt_process *p);
/* Whether somebody wants it. */
bool hook_ask_listeners(struct hooks *h, struct hook_symbol *s);
void hook_forget(struct hooks *h, struct hook_symbol *s);
/* The thunk that has `back` as its return address; NULL: none has. */
struct hook_symbol *hook_thunk_at(struct hooks *h, const struct nt_process *p, uint64_t back);
struct hook_module *hook_thunk_row(struct hooks *h, const struct nt_process *p, uint64_t back,
                                   uint32_t *row);
/* The thunk of the function at an address; 0: it has none. */
uint64_t hook_thunk_of(struct hooks *h, const struct nt_process *p, uint64_t address);
/* Where the function is, through forwarders; 0: its module is not there. */
uint64_t hook_target(struct hooks *h, const struct nt_process *p, struct hook_symbol *s);
uint64_t hook_row_target(struct hooks *h, const struct nt_process *p, struct hook_module *m,
                         uint32_t row);

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
/* The same of all that a module exports. */
bool hook_takes_part(const char *module);
void hook_marks_init(struct hook_marks *marks);
/* A number below that of bits in hook_marks, of a name's first bytes without what is behind it. */
static inline uint32_t hook_mark_of(const uint8_t first[HOOK_MARK])
{
    uint64_t v = pe_u64(first);
    uint64_t zeroes = (v - 0x0101010101010101u) & ~v & 0x8080808080808080u;
    if (zeroes) /* the lowest bit is that of the first zero byte */
        v &= ((zeroes & -zeroes) >> 7) - 1;
    return (uint32_t)((v * 0x9e3779b97f4a7c15u) >> 51);
}
/* Whether a name that begins like this may be one of those that are not plain. HOOK_MARK bytes of
 * it, or of what lies behind it. */
static inline bool hook_is_marked(const struct hook_marks *marks, const char *name)
{
    uint32_t bit = hook_mark_of((const uint8_t *)name);
    return marks->bits[bit / 64] >> (bit % 64) & 1;
}

/* The program's memory, pointers of its own size. */
static inline bool hook_peek_ptr(const struct nt_process *p, uint64_t va, uint64_t *out)
{
    *out = 0;
    return mem_peek(p->mem, va, out, p->ptr_size);
}
#endif
