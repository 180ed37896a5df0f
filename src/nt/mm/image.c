// SPDX-License-Identifier: GPL-2.0-or-later
/* Image files: their headers, and their pages laid out once for all sections that name the file. */
#include "nt/mm/internal.h"
#include "pe/map.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IDLE_MAX = 48 }; /* images without a section that are kept for the next one */

struct host_view {
    void *data;
    size_t size;
};

static ntstatus identify(int fd, struct mm_file_id *id)
{
    struct stat st;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode))
        return STATUS_INVALID_FILE_FOR_SECTION;
    *id = (struct mm_file_id){.device = st.st_dev,
                              .inode = st.st_ino,
                              .size = (uint64_t)st.st_size,
                              .mtime_ns = st.st_mtim.tv_sec * 1000000000ll + st.st_mtim.tv_nsec};
    return STATUS_SUCCESS;
}

static bool same_file(const struct mm_file_id *a, const struct mm_file_id *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->mtime_ns == b->mtime_ns;
}

static ntstatus view_open(struct host_view *v, int fd, uint64_t size)
{
    *v = (struct host_view){0};
    if (!size) /* as Windows says of an empty file */
        return STATUS_INVALID_FILE_FOR_SECTION;
    void *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        return STATUS_INSUFFICIENT_RESOURCES;
    *v = (struct host_view){p, size};
    return STATUS_SUCCESS;
}

static void view_close(struct host_view *v)
{
    if (v->data)
        munmap(v->data, v->size);
}

/* ---- What the headers say -----------------------------------------------------------------------
 */

static bool has_code(const struct pe_image *pe)
{
    if (pe->h.code_size || pe->h.entry || pe->flat)
        return true;
    for (unsigned i = 0; i < pe->h.nsections; i++)
        if (pe_section(pe, i).characteristics & IMAGE_SCN_MEM_EXECUTE)
            return true;
    return false;
}

static void describe_flags(struct mm_image *img, const struct pe_image *pe)
{
    struct pe_clr clr;
    struct pe_directory com = pe_directory(pe, IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR);
    bool relocs = pe_directory(pe, IMAGE_DIRECTORY_ENTRY_BASERELOC).size;
    img->clr = com.rva && com.size;
    img->contains_code = has_code(pe);
    img->relocatable = !(pe->h.characteristics & IMAGE_FILE_RELOCS_STRIPPED) && !pe->flat;
    img->dynamic = img->relocatable && !img->clr && (relocs || img->contains_code) &&
                   pe->h.dll_characteristics & IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE;
    if (pe->flat)
        img->flags |= IMAGE_MAPPED_FLAT;
    else if (img->dynamic)
        img->flags |= IMAGE_DYNAMICALLY_RELOCATED;
    if (pe_clr(pe, &clr) && clr.il_only) {
        img->flags |= IMAGE_COMPLUS_IL_ONLY;
        if (!pe->h.is64 && !(clr.flags & 2)) /* 32BITREQUIRED */
            img->flags |= IMAGE_COMPLUS_NATIVE_READY;
    }
}

/* Behind a DLL's own pages: a slot for each of its exports, and one more. */
static uint64_t room_for_thunks(const struct pe_image *pe, int fd)
{
    uint8_t raw[PE_EXPORT_DIRECTORY_SIZE];
    uint32_t at = pe_directory(pe, IMAGE_DIRECTORY_ENTRY_EXPORT).rva, offset, there;
    /* Read, since looking at the mapped file costs a fault. */
    if (!(pe->h.characteristics & IMAGE_FILE_DLL) || !at || !pe_rva_to_offset(pe, at, &offset) ||
        pread(fd, raw, sizeof raw, offset) != sizeof raw || !pe_at(pe, pe_u32(raw + 28), &there))
        return 0;
    uint64_t count = MIN(pe_u32(raw + 20), there / 4);
    return align_up((MIN(count, (uint64_t)UINT16_MAX + 1) + 1) * NT_IMAGE_THUNK, MEM_PAGE);
}

static void describe(struct mm_image *img, const struct pe_image *pe, int fd, bool thunks)
{
    const struct pe_header *h = &pe->h;
    img->info.room = thunks ? room_for_thunks(pe, fd) : 0;
    img->info.size = align_up((uint64_t)h->image_size, MEM_PAGE) + img->info.room;
    img->info.preferred = h->image_base;
    img->info.section_base = h->image_base;
    img->info.entry = h->entry;
    img->info.machine = h->machine;
    img->info.characteristics = h->characteristics;
    img->info.dll_characteristics = h->dll_characteristics;
    img->info.subsystem = h->subsystem;
    img->info.subsystem_major = h->subsystem_major;
    img->info.subsystem_minor = h->subsystem_minor;
    img->info.os_major = h->os_major;
    img->info.os_minor = h->os_minor;
    img->info.is64 = h->is64;
    img->info.stack_reserve = h->stack_reserve;
    img->info.stack_commit = h->stack_commit;
    img->info.heap_reserve = h->heap_reserve;
    img->info.heap_commit = h->heap_commit;
    img->checksum = h->checksum;
    img->file_size = (uint32_t)img->id.size;
    describe_flags(img, pe);
}

/* ---- The images known
 * ----------------------------------------------------------------------------- */

static void discard(struct nt_mm *mm, size_t i)
{
    struct mm_image *img = mm->images.data[i];
    vec_remove(&mm->images, i);
    mem_object_unref(img->object);
    vec_free(&img->parts);
    free(img);
}

static void discard_idle(struct nt_mm *mm)
{
    size_t idle = 0, oldest = 0;
    for (size_t i = 0; i < mm->images.len; i++) {
        const struct mm_image *img = mm->images.data[i];
        if (img->refs)
            continue;
        if (!idle++ || img->used < mm->images.data[oldest]->used)
            oldest = i;
    }
    if (idle > IDLE_MAX)
        discard(mm, oldest);
}

static struct mm_image *known(struct nt_mm *mm, const struct mm_file_id *id)
{
    for (size_t i = 0; i < mm->images.len; i++)
        if (same_file(&mm->images.data[i]->id, id))
            return mm->images.data[i];
    return NULL;
}

ntstatus mm_image_open(struct nt_kernel *k, int fd, const char *name, struct mm_image **out,
                       struct pgr_error *e)
{
    struct nt_mm *mm = mm_state(k);
    struct mm_file_id id;
    struct host_view view;
    struct pe_image pe;
    ntstatus s = identify(fd, &id);
    if (s)
        return s;
    struct mm_image *img = known(mm, &id);
    if (!img) {
        s = view_open(&view, fd, id.size);
        if (s)
            return s;
        if (pe_open(&pe, view.data, view.size, PE_FILE, name, e))
            s = pe.status ? pe.status : STATUS_INVALID_IMAGE_FORMAT;
        if (!s) {
            img = xcalloc(1, sizeof *img);
            img->id = id;
            describe(img, &pe, fd, k->cfg.intercept);
            vec_push(&mm->images, img);
        }
        view_close(&view);
        if (s)
            return s;
    }
    img->refs++;
    img->used = ++mm->uses;
    *out = img;
    return STATUS_SUCCESS;
}

void mm_image_unref(struct nt_kernel *k, struct mm_image *img)
{
    if (!img)
        return;
    BUG_ON(!img->refs);
    if (--img->refs)
        return;
    struct nt_mm *mm = mm_state(k);
    if (img->object) {
        discard_idle(mm);
        return;
    }
    for (size_t i = 0; i < mm->images.len; i++)
        if (mm->images.data[i] == img) {
            discard(mm, i);
            return;
        }
}

/* ---- Laying out
 * -------------------------------------------------------------------------------------- */

static uint32_t segment_protect(const struct pe_segment *seg)
{
    bool w = seg->prot & PE_PROT_W;
    if (seg->prot & PE_PROT_X) {
        if (w)
            return seg->shared ? PAGE_EXECUTE_READWRITE : PAGE_EXECUTE_WRITECOPY;
        return seg->prot & PE_PROT_R ? PAGE_EXECUTE_READ : PAGE_EXECUTE;
    }
    if (w)
        return seg->shared ? PAGE_READWRITE : PAGE_WRITECOPY;
    return seg->prot & PE_PROT_R ? PAGE_READONLY : PAGE_NOACCESS;
}

static void add_part(struct mm_image *img, uint32_t rva, uint32_t size, uint32_t protect)
{
    struct mm_part *last = img->parts.len ? &img->parts.data[img->parts.len - 1] : NULL;
    if (last && last->protect == protect && last->rva + last->size == rva)
        last->size += size;
    else
        vec_push(&img->parts, (struct mm_part){rva, size, protect});
}

static ntstatus put_segments(struct mm_image *img, const struct pe_map *map, int fd)
{
    img->parts.len = 0;
    vec_foreach (seg, &map->segments) {
        ntstatus s = STATUS_SUCCESS;
        if (seg->file_size)
            s = mem_object_put_file(img->object, seg->rva, fd, seg->file_offset, seg->file_size);
        if (s)
            return s;
        add_part(img, seg->rva, seg->mem_size, segment_protect(seg));
    }
    return STATUS_SUCCESS;
}

/* Also names the new base in the mapped header, as loaders and debuggers expect. */
static void relocate(struct mm_image *img, const struct pe_map *map, uint64_t base)
{
    uint64_t delta = base - img->info.preferred;
    uint64_t at = (uint64_t)map->img->h.lfanew + 4 + PE_FILE_HEADER_SIZE;
    if (!delta)
        return;
    for (uint32_t rva = 0; rva < map->size; rva += PE_PAGE)
        if (pe_map_page_has_relocs(map, rva))
            pe_relocate_page(map, delta, rva, mem_object_range(img->object, rva, PE_PAGE));
    if (map->img->h.is64 && range_inside(at, 32, map->size))
        pe_put64(mem_object_range(img->object, at, 32) + 24, base);
    else if (!map->img->h.is64 && range_inside(at, 32, map->size))
        pe_put32(mem_object_range(img->object, at, 32) + 28, (uint32_t)base);
    img->info.section_base = base;
}

/* The room is part of the image for everybody who looks up what an address belongs to. */
static void add_room(struct mm_image *img, const struct pe_map *map)
{
    uint64_t at = (uint64_t)map->img->h.lfanew + 4 + PE_FILE_HEADER_SIZE + PE_OPT_IMAGE_SIZE;
    if (!img->info.room)
        return;
    add_part(img, map->size, (uint32_t)img->info.room, PAGE_NOACCESS);
    if (range_inside(at, 4, map->size))
        pe_put32(mem_object_range(img->object, at, 4), (uint32_t)img->info.size);
}

static ntstatus lay_out(struct nt_kernel *k, struct mm_image *img, struct pe_map *map, int fd,
                        uint64_t base)
{
    ntstatus s = mem_object_image(k->ram, map->size + img->info.room, &img->object);
    if (s)
        return s;
    s = put_segments(img, map, fd);
    if (s) {
        mem_object_unref(img->object);
        img->object = NULL;
        return s;
    }
    add_room(img, map);
    relocate(img, map, base);
    return STATUS_SUCCESS;
}

static bool base_is_free(struct nt_process *p, const struct mem_place *limits, uint64_t base,
                         uint64_t size)
{
    struct mem_info mi;
    if (!base || base % MEM_GRANULARITY || base < limits->lowest ||
        (limits->highest && (base > limits->highest || size - 1 > limits->highest - base)))
        return false;
    return !mem_query(p->mem, base, &mi) && mi.state == MEM_FREE && mi.size >= size;
}

struct mem_place mm_image_place(struct nt_process *p, const struct mm_image *img,
                                const struct mem_place *limits)
{
    struct mem_place place = *limits;
    place.top_down = img->info.characteristics & IMAGE_FILE_DLL;
    /* What expects to live below 4 GiB stays there: its pointers may be truncated. DLLs go below
     * the page that user mode shares with the kernel, which is at 0x7ffe0000. */
    const uint64_t low_end = 0x7ffdffff;
    if (img->info.preferred >> 32 == 0 && (!place.highest || place.highest > low_end) &&
        place.lowest < low_end)
        place.highest = low_end;
    return place;
}

static uint64_t find_free(struct nt_process *p, uint64_t size, const struct mem_place *place)
{
    uint64_t base = 0, len = size, none = 0;
    if (mem_reserve(p->mem, &base, &len, PAGE_NOACCESS, false, place))
        return 0;
    len = base;
    BUG_ON(mem_release(p->mem, &len, &none));
    return base;
}

static uint64_t choose_base(struct nt_process *p, const struct mm_image *img,
                            const struct mem_place *limits, bool must_move)
{
    uint64_t base = img->info.preferred;
    if (base_is_free(p, limits, base, img->info.size))
        return base;
    if (!img->relocatable || (!img->dynamic && !must_move))
        return base;
    struct mem_place place = mm_image_place(p, img, limits);
    uint64_t moved = find_free(p, img->info.size, &place);
    if (!moved)
        moved = find_free(p, img->info.size, limits);
    return moved ? moved : base;
}

ntstatus mm_image_layout(struct nt_kernel *k, struct nt_process *p, struct mm_image *img, int fd,
                         const struct mem_place *limits, bool must_move, struct pgr_error *e)
{
    struct host_view view;
    struct mm_file_id id;
    struct pe_image pe;
    struct pe_map map;
    if (img->object)
        return STATUS_SUCCESS;
    ntstatus s = identify(fd, &id);
    if (!s && !same_file(&id, &img->id)) /* replaced since its headers were read */
        s = STATUS_FILE_INVALID;
    if (!s)
        s = view_open(&view, fd, id.size);
    if (s)
        return s;
    if (pe_open(&pe, view.data, view.size, PE_FILE, "image", e)) {
        s = pe.status;
    } else {
        pe_map_build(&map, &pe);
        img->relocatable &= map.relocatable;
        s = lay_out(k, img, &map, fd, choose_base(p, img, limits, must_move));
        pe_map_free(&map);
    }
    view_close(&view);
    return s;
}

/* ---- Snapshots
 * ------------------------------------------------------------------------------------------ */

static void transfer_info(struct ser *s, struct nt_image_info *i)
{
    SER(s, i->size);
    SER(s, i->room);
    SER(s, i->section_base);
    SER(s, i->preferred);
    SER(s, i->entry);
    SER(s, i->machine);
    SER(s, i->characteristics);
    SER(s, i->dll_characteristics);
    SER(s, i->subsystem);
    SER(s, i->subsystem_major);
    SER(s, i->subsystem_minor);
    SER(s, i->os_major);
    SER(s, i->os_minor);
    SER(s, i->is64);
    SER(s, i->stack_reserve);
    SER(s, i->stack_commit);
    SER(s, i->heap_reserve);
    SER(s, i->heap_commit);
}

static void transfer_parts(struct ser *s, struct mm_image *img)
{
    size_t n = img->parts.len;
    ser_count(s, &n, 1 << 17);
    for (size_t i = 0; i < n && !s->failed; i++) {
        if (s->loading)
            vec_push(&img->parts, (struct mm_part){0});
        struct mm_part *part = &img->parts.data[i];
        SER(s, part->rva);
        SER(s, part->size);
        SER(s, part->protect);
        if (!range_inside(part->rva, part->size, img->info.size))
            ser_fail(s, "snapshot: an image has pages outside of itself");
    }
}

static void transfer_object(struct nt_kernel *k, struct ser *s, struct mm_image *img)
{
    uint32_t id = img->object ? mem_object_id(img->object) : 0;
    SER(s, id);
    if (!s->loading || !id)
        return;
    img->object = mem_object_find(k->ram, id);
    if (!img->object || mem_object_size(img->object) != img->info.size)
        ser_fail(s, "snapshot: the pages of an image are missing");
}

static void transfer_image(struct nt_kernel *k, struct ser *s, struct mm_image *img)
{
    SER(s, img->used);
    SER(s, img->id.device);
    SER(s, img->id.inode);
    SER(s, img->id.size);
    SER(s, img->id.mtime_ns);
    transfer_info(s, &img->info);
    SER(s, img->checksum);
    SER(s, img->file_size);
    SER(s, img->flags);
    SER(s, img->contains_code);
    SER(s, img->clr);
    SER(s, img->relocatable);
    SER(s, img->dynamic);
    SER(s, img->filled);
    transfer_parts(s, img);
    transfer_object(k, s, img);
}

void mm_images_transfer(struct nt_kernel *k, struct ser *s)
{
    struct nt_mm *mm = mm_state(k);
    size_t n = mm->images.len;
    ser_count(s, &n, 1 << 20);
    for (size_t i = 0; i < n && !s->failed; i++) {
        if (s->loading)
            vec_push(&mm->images, (struct mm_image *)xcalloc(1, sizeof(struct mm_image)));
        transfer_image(k, s, mm->images.data[i]);
    }
    SER(s, mm->uses);
}

void mm_image_transfer(struct nt_kernel *k, struct ser *s, struct mm_image **img)
{
    struct nt_mm *mm = mm_state(k);
    uint32_t index = 0;
    for (size_t i = 0; !s->loading && i < mm->images.len; i++)
        if (mm->images.data[i] == *img)
            index = (uint32_t)i + 1;
    SER(s, index);
    if (!s->loading || !index)
        return;
    if (index > mm->images.len) {
        ser_fail(s, "snapshot: a section names image %u of %zu", index, mm->images.len);
        return;
    }
    *img = mm->images.data[index - 1];
    (*img)->refs++;
}

void mm_images_destroy(struct nt_mm *mm)
{
    while (mm->images.len)
        discard(mm, mm->images.len - 1);
    vec_free(&mm->images);
}
