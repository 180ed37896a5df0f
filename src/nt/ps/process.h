/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NT_PS_PROCESS_H
#define NT_PS_PROCESS_H
#include "mem/space.h"
#include "nt/ob/object.h"

struct nt_process {
    struct nt_object o;
    uint32_t pid, parent_pid;
    unsigned ptr_size;        /* 4 or 8 */
    bool large_address_aware; /* 32-bit: 4 GiB instead of 2 */
    struct mem_space *mem;
    struct nt_handle_table handles;
    uint64_t peb, image_base, entry;
    uint16_t *image_path; /* NT path, "\??\C:\…" */
    size_t image_path_len;
    uint32_t thread_count; /* not ended */
    bool ending, ended;
    ntstatus exit_status;
    uint64_t created, ended_at; /* nt_system_time() */
    uint64_t ntdll_base;
    /* Entry points of ntdll that the kernel calls, 0 when absent. */
    uint64_t ki_exception, ki_apc, ki_callback, ki_raise, ldr_init_thunk, rtl_user_thread_start;
    nt_id token, debug_port, job;
    uint32_t error_mode, execute_flags, priority_class;
    uint64_t cookie, affinity;
    uint32_t window_station, desktop; /* handles, 0 until somebody asks */
};
extern const struct nt_type nt_type_process;

static inline struct nt_process *nt_process_get(struct nt_kernel *k, nt_id id)
{
    return nt_object_get(k, id, NT_TYPE_PROCESS);
}
struct nt_process *nt_process_by_pid(struct nt_kernel *k, uint64_t pid); /* NULL; no reference */
/* A new thread in p, ready unless suspended; *out has a reference owned by the caller. Sizes 0:
 * what the program's headers say. */
ntstatus nt_thread_create(struct nt_kernel *k, struct nt_process *p, uint64_t start,
                          uint64_t parameter, uint64_t stack_reserve, uint64_t stack_commit,
                          bool suspended, struct nt_thread **out);
/* Ends every thread and closes every handle; wakes who waits for the process. */
void nt_process_end(struct nt_kernel *k, struct nt_process *p, ntstatus status);
/* Ends one thread; the process with its last. */
void nt_thread_end(struct nt_kernel *k, struct nt_thread *t, ntstatus status);
/* Information classes that need more than a few lines. */
ntstatus nt_set_process_tls(struct nt_call *c, struct nt_process *p, uint64_t va, uint32_t len);
/* ProcessImageInformation: SECTION_IMAGE_INFORMATION of the program; defined in mm/. */
ntstatus nt_query_image_information(struct nt_call *c, struct nt_process *p, uint64_t buffer,
                                    uint32_t length, uint64_t return_length);
#endif
