// SPDX-License-Identifier: GPL-2.0-or-later
// Heaps: thousands of blocks of all sizes from several threads, keeping what was written to them.
#include "check.h"

#include <malloc.h>

enum { THREADS = 4, BLOCKS = 256, ROUNDS = 4000 };

struct block {
    unsigned char *data;
    unsigned size;
};

static unsigned next(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static unsigned random_size(unsigned *seed)
{
    unsigned kind = next(seed) % 16;
    return kind == 0 ? next(seed) % 100000 : kind < 4 ? next(seed) % 4000 : next(seed) % 200;
}

static void fill(struct block *b)
{
    memset(b->data, (int)(b->size & 0xff), b->size);
}

static int intact(const struct block *b, unsigned len)
{
    for (unsigned i = 0; i < len; i += 1 + len / 64)
        if (b->data[i] != (b->size & 0xff))
            return 0;
    return 1;
}

static int step(HANDLE heap, struct block *b, unsigned *seed)
{
    unsigned size = random_size(seed), was = b->size;
    if (!b->data) {
        b->data = HeapAlloc(heap, 0, size);
    } else if (next(seed) % 3 == 0) {
        if (!intact(b, was))
            return 0;
        unsigned char *grown = HeapReAlloc(heap, 0, b->data, size);
        if (!grown)
            return 0;
        b->data = grown;
        if (!intact(b, was < size ? was : size))
            return 0;
    } else {
        /* Wine 10.0 gives a few bytes more for a block that has shrunk. */
        SIZE_T has = HeapSize(heap, 0, b->data);
        int ok = intact(b, was) && has >= was && has <= was + 2 * sizeof(void *);
        HeapFree(heap, 0, b->data);
        b->data = NULL;
        return ok;
    }
    if (!b->data || (UINT_PTR)b->data % (2 * sizeof(void *)))
        return 0;
    b->size = size;
    fill(b);
    return 1;
}

struct job {
    HANDLE heap;
    unsigned seed, failed;
};

static DWORD WINAPI stress(void *arg)
{
    struct job *j = arg;
    struct block blocks[BLOCKS] = {{0}};
    for (int i = 0; i < ROUNDS; i++)
        j->failed += !step(j->heap, &blocks[next(&j->seed) % BLOCKS], &j->seed);
    for (int i = 0; i < BLOCKS; i++)
        if (blocks[i].data)
            HeapFree(j->heap, 0, blocks[i].data);
    return 0;
}

static void many_threads_one_heap(HANDLE heap)
{
    HANDLE t[THREADS];
    struct job jobs[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){heap, i + 1, 0};
        t[i] = CreateThread(NULL, 0, stress, &jobs[i], 0, NULL);
    }
    CHECK_EQ(WaitForMultipleObjects(THREADS, t, TRUE, 120000), WAIT_OBJECT_0);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(jobs[i].failed, 0);
    CHECK(HeapValidate(heap, 0, NULL));
}

static void heaps_of_their_own(void)
{
    HANDLE small = HeapCreate(0, 0x1000, 0x10000);
    NEED(small);
    int n = 0;
    while (n < 100 && HeapAlloc(small, 0, 4000))
        n++;
    CHECK(n > 5 && n < 17);
    CHECK(HeapDestroy(small));
    HANDLE h = HeapCreate(0, 0, 0);
    unsigned char *p = HeapAlloc(h, HEAP_ZERO_MEMORY, 1000);
    CHECK(p && !p[0] && !p[999]);
    p = HeapReAlloc(h, HEAP_ZERO_MEMORY, p, 50000);
    CHECK(p && !p[1000] && !p[49999]);
    CHECK(HeapFree(h, 0, p));
    CHECK(HeapAlloc(h, 0, (SIZE_T)1 << 31 << (sizeof(void *) == 8 ? 20 : 0)) == NULL);
    many_threads_one_heap(h);
    CHECK(HeapDestroy(h));
}

static void the_c_library(void)
{
    char *p = malloc(100);
    strcpy(p, "kept");
    p = realloc(p, 1 << 20);
    CHECK_STR(p, "kept");
    free(p);
    int *zeros = calloc(1000, sizeof(int)), sum = 0;
    for (int i = 0; i < 1000; i++)
        sum |= zeros[i];
    CHECK_EQ(sum, 0);
    free(zeros);
    p = _aligned_malloc(100, 256);
    CHECK_EQ((UINT_PTR)p % 256, 0);
    _aligned_free(p);
    HGLOBAL g = GlobalAlloc(GMEM_MOVEABLE | GMEM_ZEROINIT, 500);
    char *locked = GlobalLock(g);
    CHECK(locked && !locked[499] && GlobalSize(g) >= 500);
    GlobalUnlock(g);
    CHECK(GlobalFree(g) == NULL);
    CHECK(LocalFree(LocalAlloc(LPTR, 10)) == NULL);
}

int main(void)
{
    the_c_library();
    heaps_of_their_own();
    many_threads_one_heap(GetProcessHeap());
    return check_done();
}
