// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a loaded snapshot says of references. Ids come from hostile input, and the code behind them
 * relies on two things: an id that holds a reference names an object of its type, and an object
 * does not count fewer references than there are. Both can be checked only once everything is
 * there.
 */
#include "base/vec.h"
#include "nt/kernel.h"

struct claim {
    nt_id id;
    uint8_t type; /* enum nt_type_id */
    uint8_t use;  /* enum nt_claim_use */
};

struct nt_claims {
    VEC(struct claim) list;
};

struct count {
    uint32_t id, held, handles, waiters;
};

struct counting {
    struct ser *s;
    struct count *rows; /* in order of slots, as nt_object_each goes */
    size_t len, at;
};

enum { REFS_MAX = 1 << 30 };

void nt_id_claim(struct nt_kernel *k, struct ser *s, nt_id id, enum nt_type_id type,
                 enum nt_claim_use use)
{
    if (!s->loading || s->failed || !id)
        return;
    if (!k->claims)
        k->claims = xcalloc(1, sizeof *k->claims);
    vec_push(&k->claims->list, (struct claim){id, (uint8_t)type, (uint8_t)use});
}

void nt_id_transfer(struct nt_kernel *k, struct ser *s, nt_id *id, enum nt_type_id type)
{
    SER(s, *id);
    nt_id_claim(k, s, *id, type, NT_CLAIM_REFERENCE);
}

void nt_claims_free(struct nt_kernel *k)
{
    if (k->claims)
        vec_free(&k->claims->list);
    free(k->claims);
    k->claims = NULL;
}

static void count_object(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    (void)k;
    (void)o;
    ((struct counting *)ctx)->len++;
}

/* What holds an object without an id being kept anywhere. */
static void begin_count(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    struct counting *c = ctx;
    bool alive = o->type == NT_TYPE_THREAD && ((struct nt_thread *)o)->state != NT_THREAD_ENDED;
    (void)k;
    c->rows[c->at++] = (struct count){.id = o->id, .held = (uint32_t)o->permanent + alive};
}

static void check_object(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    struct counting *c = ctx;
    const struct count *n = &c->rows[c->at++];
    (void)k;
    if (o->refs < n->held || o->refs > REFS_MAX || !o->refs || o->handles != n->handles ||
        o->waiters != n->waiters)
        ser_fail(c->s,
                 "snapshot: object %u (%s) counts %u references, %u handles, %u waits; it has %u, "
                 "%u, %u",
                 o->id, nt_types[o->type]->name, o->refs, o->handles, o->waiters, n->held,
                 n->handles, n->waiters);
}

/* Rows are in order of slots; the slot is the low part of an id. */
static struct count *row_of(struct counting *c, nt_id id)
{
    size_t lo = 0, hi = c->len;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (nt_id_slot(c->rows[mid].id) < nt_id_slot(id))
            lo = mid + 1;
        else
            hi = mid;
    }
    return &c->rows[lo];
}

static void count_claims(struct nt_kernel *k, struct counting *c)
{
    if (!k->claims)
        return;
    vec_foreach (claim, &k->claims->list) {
        if (!nt_object_get(k, claim->id, claim->type)) {
            ser_fail(c->s, "snapshot: %u is not the id of %s%s", claim->id,
                     claim->type ? "an object of type " : "any object",
                     claim->type ? nt_types[claim->type]->name : "");
            return;
        }
        struct count *n = row_of(c, claim->id);
        n->held++;
        n->handles += claim->use == NT_CLAIM_HANDLE;
        n->waiters += claim->use == NT_CLAIM_WAIT;
    }
}

void nt_claims_settle(struct nt_kernel *k, struct ser *s)
{
    struct counting c = {.s = s};
    nt_object_each(k, NT_TYPE_NONE, count_object, &c);
    c.rows = xcalloc(c.len + 1, sizeof *c.rows);
    nt_object_each(k, NT_TYPE_NONE, begin_count, &c);
    count_claims(k, &c);
    c.at = 0;
    nt_object_each(k, NT_TYPE_NONE, check_object, &c);
    free(c.rows);
    nt_claims_free(k);
}
