/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NT_IO_PIPE_H
#define NT_IO_PIPE_H
/*
 * Named pipes and mailslots: pipe.c moves data, pipe_control.c creates, opens and controls,
 * mailslot.c is the one-sided variety.
 */
#include "nt/io/internal.h"

enum nt_pipe_state { /* FILE_PIPE_*_STATE */
                     NT_PIPE_DISCONNECTED = 1,
                     NT_PIPE_LISTENING,
                     NT_PIPE_CONNECTED,
                     NT_PIPE_CLOSING
};
enum { NT_PIPE_INBOUND, NT_PIPE_OUTBOUND, NT_PIPE_DUPLEX };
enum { PIPE_READ_MESSAGES = 1, PIPE_NOWAIT = 2 }; /* nt_file.pipe_mode */

struct nt_pipe_message {
    uint8_t *data;
    size_t len, at; /* at: what was read of it */
    uint32_t irp;   /* the writer that waits for it to fit; 0: none */
};
struct nt_pipe_queue {
    struct nt_pipe_message *data;
    size_t len, cap;
};
struct nt_pipe_end {
    nt_id file; /* no reference: a file that dies clears it */
    uint8_t state;
    struct nt_pipe_queue in; /* what this end will read */
};
enum { NT_END_CLIENT, NT_END_SERVER };

struct nt_pipe { /* one instance */
    uint32_t id;
    uint16_t *name;
    size_t len;
    bool mailslot, messages;
    uint8_t configuration;
    uint32_t max_instances, in_quota, out_quota; /* as the server sees them */
    uint64_t timeout; /* default of FSCTL_PIPE_WAIT, or a mailslot's read timeout */
    uint32_t max_message;
    struct nt_pipe_end end[2];
};

struct nt_pipe *nt_pipe_of(struct nt_kernel *k, const struct nt_file *f);
struct nt_pipe *nt_pipe_new(struct nt_io *io, const uint16_t *name, size_t len, bool mailslot);
struct nt_pipe *nt_pipe_find(struct nt_io *io, const uint16_t *name, size_t len, bool mailslot);
static inline struct nt_pipe_end *nt_pipe_mine(struct nt_pipe *p, const struct nt_file *f)
{
    return &p->end[f->server ? NT_END_SERVER : NT_END_CLIENT];
}
static inline struct nt_pipe_end *nt_pipe_other(struct nt_pipe *p, const struct nt_file *f)
{
    return &p->end[f->server ? NT_END_CLIENT : NT_END_SERVER];
}
size_t nt_pipe_available(const struct nt_pipe_queue *q); /* bytes */
void nt_pipe_push(struct nt_pipe_queue *q, const uint8_t *data, size_t len, uint32_t irp);
void nt_pipe_queue_clear(struct nt_pipe_queue *q);
/* Answers reads of this end and writes of the other as far as the queue allows. */
void nt_pipe_pump(struct nt_kernel *k, struct nt_pipe *p, struct nt_pipe_end *reader);
/* The pipe is now in LISTENING: who waits for an instance may connect. */
void nt_pipe_announce(struct nt_kernel *k, struct nt_pipe *p);
/* Completes requests of an end's file of one kind. */
void nt_pipe_fail(struct nt_kernel *k, nt_id file, enum nt_irp_kind kind, ntstatus status);
/* Copies bytes to write from the guest. */
ntstatus nt_pipe_fetch(struct nt_call *c, uint64_t va, uint32_t len, uint8_t **out);
ntstatus nt_mailslot_read(struct nt_call *c, struct nt_file *f, struct nt_irp *r);
ntstatus nt_mailslot_write(struct nt_call *c, struct nt_file *f, struct nt_irp *r);
void nt_mailslot_pump(struct nt_kernel *k, struct nt_pipe *p);
#endif
