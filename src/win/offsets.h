/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef WIN_OFFSETS_H
#define WIN_OFFSETS_H
/* Offsets of the few fields that the kernel side sets in PEB, TEB and process parameters, for both
 * pointer sizes. The same in every Windows from 7 to 11 and in Wine. */
#include <stdint.h>

struct win_offsets {
    struct {
        uint16_t image_base, parameters, api_set_map, read_only_shared, processors, nt_global_flag,
            critical_section_timeout, heap_reserve, heap_commit, heap_decommit_total,
            heap_decommit_block, max_heaps, process_heaps, os_major, os_minor, os_build,
            os_platform, subsystem, subsystem_major, subsystem_minor, affinity, session;
        uint32_t process_heaps_array, size;
    } peb;
    struct {
        uint16_t exception_list, stack_base, stack_limit, self, process_id, thread_id, peb, locale,
            activation_stack_pointer, activation_stack, frame_list, real_process_id, real_thread_id,
            static_string, static_buffer, deallocation_stack, tls_links, guaranteed_stack;
        uint32_t size;
    } teb;
    struct {
        uint16_t flags, console_flags, std_input, std_output, std_error, current_directory,
            dll_path, image_path, command_line, environment, show_window_flags, show_window,
            window_title, desktop, shell_info, runtime_info, environment_size, process_group,
            header;
    } params;
};

static const struct win_offsets win_offsets64 = {
    .peb = {.image_base = 0x10,
            .parameters = 0x20,
            .api_set_map = 0x68,
            .read_only_shared = 0x88,
            .processors = 0xb8,
            .nt_global_flag = 0xbc,
            .critical_section_timeout = 0xc0,
            .heap_reserve = 0xc8,
            .heap_commit = 0xd0,
            .heap_decommit_total = 0xd8,
            .heap_decommit_block = 0xe0,
            .max_heaps = 0xec,
            .process_heaps = 0xf0,
            .os_major = 0x118,
            .os_minor = 0x11c,
            .os_build = 0x120,
            .os_platform = 0x124,
            .subsystem = 0x128,
            .subsystem_major = 0x12c,
            .subsystem_minor = 0x130,
            .affinity = 0x138,
            .session = 0x2c0,
            .process_heaps_array = 0x1000,
            .size = 0x4000},
    .teb = {.exception_list = 0x00,
            .stack_base = 0x08,
            .stack_limit = 0x10,
            .self = 0x30,
            .process_id = 0x40,
            .thread_id = 0x48,
            .peb = 0x60,
            .locale = 0x108,
            .activation_stack_pointer = 0x2c8,
            .activation_stack = 0x290,
            .frame_list = 0x298,
            .real_process_id = 0x7d8,
            .real_thread_id = 0x7e0,
            .static_string = 0x1258,
            .static_buffer = 0x1268,
            .deallocation_stack = 0x1478,
            .tls_links = 0x1680,
            .guaranteed_stack = 0x1748,
            .size = 0x4000},
    .params = {.flags = 0x08,
               .console_flags = 0x18,
               .std_input = 0x20,
               .std_output = 0x28,
               .std_error = 0x30,
               .current_directory = 0x38,
               .dll_path = 0x50,
               .image_path = 0x60,
               .command_line = 0x70,
               .environment = 0x80,
               .show_window_flags = 0xa4,
               .show_window = 0xa8,
               .window_title = 0xb0,
               .desktop = 0xc0,
               .shell_info = 0xd0,
               .runtime_info = 0xe0,
               .environment_size = 0x3f0,
               .process_group = 0x408,
               .header = 0x440},
};

static const struct win_offsets win_offsets32 = {
    .peb = {.image_base = 0x08,
            .parameters = 0x10,
            .api_set_map = 0x38,
            .read_only_shared = 0x4c,
            .processors = 0x64,
            .nt_global_flag = 0x68,
            .critical_section_timeout = 0x70,
            .heap_reserve = 0x78,
            .heap_commit = 0x7c,
            .heap_decommit_total = 0x80,
            .heap_decommit_block = 0x84,
            .max_heaps = 0x8c,
            .process_heaps = 0x90,
            .os_major = 0xa4,
            .os_minor = 0xa8,
            .os_build = 0xac,
            .os_platform = 0xb0,
            .subsystem = 0xb4,
            .subsystem_major = 0xb8,
            .subsystem_minor = 0xbc,
            .affinity = 0xc0,
            .session = 0x1d4,
            .process_heaps_array = 0xc00,
            .size = 0x2000},
    .teb = {.exception_list = 0x00,
            .stack_base = 0x04,
            .stack_limit = 0x08,
            .self = 0x18,
            .process_id = 0x20,
            .thread_id = 0x24,
            .peb = 0x30,
            .locale = 0xc4,
            .activation_stack_pointer = 0x1a8,
            .activation_stack = 0x184,
            .frame_list = 0x188,
            .real_process_id = 0x6b4,
            .real_thread_id = 0x6b8,
            .static_string = 0xbf8,
            .static_buffer = 0xc00,
            .deallocation_stack = 0xe0c,
            .tls_links = 0xf10,
            .guaranteed_stack = 0xf78,
            .size = 0x4000},
    .params = {.flags = 0x08,
               .console_flags = 0x14,
               .std_input = 0x18,
               .std_output = 0x1c,
               .std_error = 0x20,
               .current_directory = 0x24,
               .dll_path = 0x30,
               .image_path = 0x38,
               .command_line = 0x40,
               .environment = 0x48,
               .show_window_flags = 0x68,
               .show_window = 0x6c,
               .window_title = 0x70,
               .desktop = 0x78,
               .shell_info = 0x80,
               .runtime_info = 0x88,
               .environment_size = 0x290,
               .process_group = 0x29c,
               .header = 0x2c0},
};

static inline const struct win_offsets *win_offsets_of(unsigned ptr_size)
{
    return ptr_size == 4 ? &win_offsets32 : &win_offsets64;
}
#endif
