// SPDX-License-Identifier: GPL-2.0-or-later
// Hardware and software exceptions seen by vectored handlers: code, address and parameters are
// exact, and the program goes on from the registers that the handler sets.
#include "check.h"

#include <intrin.h>

static struct {
    int count;
    EXCEPTION_RECORD record;
    CONTEXT context;
    void (*resume)(CONTEXT *);
} seen;

#ifdef _WIN64
#define PC(c) ((c)->Rip)
#define AX(c) ((c)->Rax)
#define CX(c) ((c)->Rcx)
#else
#define PC(c) ((c)->Eip)
#define AX(c) ((c)->Eax)
#define CX(c) ((c)->Ecx)
#endif

static LONG CALLBACK handler(EXCEPTION_POINTERS *p)
{
    if (!seen.resume)
        return EXCEPTION_CONTINUE_SEARCH;
    seen.count++;
    seen.record = *p->ExceptionRecord;
    seen.context = *p->ContextRecord;
    seen.resume(p->ContextRecord);
    return EXCEPTION_CONTINUE_EXECUTION;
}

static void expect(void (*resume)(CONTEXT *))
{
    memset(&seen, 0, sizeof(seen));
    seen.resume = resume;
}

/* ---- Instructions --------------------------------------------------------------------------- */

static void breakpoint_after(CONTEXT *c)
{
    PC(c) += 1;
}

static void int3(void)
{
    expect(breakpoint_after);
    DebugBreak();
    seen.resume = NULL;
    CHECK_EQ(seen.count, 1);
    CHECK_EQ(seen.record.ExceptionCode, EXCEPTION_BREAKPOINT);
    CHECK_EQ(*(unsigned char *)seen.record.ExceptionAddress, 0xcc);
    CHECK_EQ(PC(&seen.context), (ULONG_PTR)seen.record.ExceptionAddress);
}

static void set_divisor(CONTEXT *c)
{
    CX(c) = 3;
}

static void divide_by_zero(void)
{
    unsigned quotient = 0, remainder = 0, divisor = 0;
    expect(set_divisor);
    __asm__ volatile("divl %%ecx"
                     : "=a"(quotient), "=d"(remainder), "+c"(divisor)
                     : "0"(20), "1"(0)
                     : "cc");
    seen.resume = NULL;
    CHECK_EQ(seen.count, 1);
    CHECK_EQ(seen.record.ExceptionCode, EXCEPTION_INT_DIVIDE_BY_ZERO);
    CHECK_EQ(*(unsigned char *)seen.record.ExceptionAddress, 0xf7);
    CHECK_EQ(quotient, 6);
    CHECK_EQ(remainder, 2);
}

static void after_ud2(CONTEXT *c)
{
    PC(c) += 2;
    AX(c) = 77;
}

static void illegal_instruction(void)
{
    unsigned ax = 5;
    expect(after_ud2);
    __asm__ volatile("ud2" : "+a"(ax));
    seen.resume = NULL;
    CHECK_EQ(seen.count, 1);
    CHECK_EQ(seen.record.ExceptionCode, EXCEPTION_ILLEGAL_INSTRUCTION);
    CHECK_EQ(PC(&seen.context), (ULONG_PTR)seen.record.ExceptionAddress);
    CHECK_EQ(ax, 77);
}

static void after_hlt(CONTEXT *c)
{
    PC(c) += 1;
}

static void privileged_instruction(void)
{
    expect(after_hlt);
    __asm__ volatile("hlt");
    seen.resume = NULL;
    CHECK_EQ(seen.count, 1);
    CHECK_EQ(seen.record.ExceptionCode, EXCEPTION_PRIV_INSTRUCTION);
    expect(after_hlt);
    __asm__ volatile("cli");
    seen.resume = NULL;
    CHECK_EQ(seen.count, 1);
    CHECK_EQ(seen.record.ExceptionCode, EXCEPTION_PRIV_INSTRUCTION);
}

/* The memory that they would use is not looked at. */
static void port_strings(void)
{
    unsigned char *nowhere = (unsigned char *)16;
    expect(after_hlt);
    __asm__ volatile("insb" : "+D"(nowhere) : "d"(0) : "memory");
    seen.resume = NULL;
    CHECK_EQ(seen.count, 1);
    CHECK_EQ(seen.record.ExceptionCode, EXCEPTION_PRIV_INSTRUCTION);
    expect(after_hlt);
    __asm__ volatile("outsb" : "+S"(nowhere) : "d"(0) : "memory");
    seen.resume = NULL;
    CHECK_EQ(seen.count, 1);
    CHECK_EQ(seen.record.ExceptionCode, EXCEPTION_PRIV_INSTRUCTION);
}

/* int 2dh, which a byte follows that does not run. */
static void debug_service(unsigned service, int exceptions)
{
    static const char text[] = "";
    ULONG_PTR ax = service, cx = (ULONG_PTR)text, dx = 0;
    expect(breakpoint_after);
    __asm__ volatile("int $0x2d\n\tint3" : "+a"(ax), "+c"(cx), "+d"(dx)::"memory");
    seen.resume = NULL;
    CHECK_EQ(seen.count, exceptions);
    if (!exceptions)
        return;
    CHECK_EQ(seen.record.ExceptionCode, EXCEPTION_BREAKPOINT);
    CHECK_EQ(seen.record.NumberParameters, sizeof(void *) == 8 ? 1 : 3);
    CHECK_EQ(seen.record.ExceptionInformation[0], service);
    CHECK_EQ(*(unsigned char *)PC(&seen.context), 0xcc);
}

static void debug_services(void)
{
    debug_service(0, 1); /* break */
    debug_service(2, 1); /* prompt */
    debug_service(9, 1); /* there is none */
    if (on_wine())
        return;
    debug_service(1, 0); /* print */
    debug_service(3, 0); /* symbols come */
    debug_service(4, 0); /* symbols go */
}

/* ---- Memory --------------------------------------------------------------------------------- */

static int good = 1234;

static void point_at_good(CONTEXT *c)
{
    CX(c) = (ULONG_PTR)&good;
}

static int load(void *p)
{
    int value;
    __asm__ volatile("mov (%1), %0" : "=r"(value), "+c"(p) : : "memory");
    return value;
}

static void store(void *p, int value)
{
    __asm__ volatile("mov %1, (%0)" : "+c"(p) : "r"(value) : "memory");
}

static void access_violation(ULONG_PTR kind, void *where)
{
    seen.resume = NULL;
    CHECK_EQ(seen.count, 1);
    CHECK_EQ(seen.record.ExceptionCode, EXCEPTION_ACCESS_VIOLATION);
    CHECK_EQ(seen.record.NumberParameters, 2);
    CHECK_EQ(seen.record.ExceptionInformation[0], kind);
    CHECK_EQ(seen.record.ExceptionInformation[1], (ULONG_PTR)where);
    CHECK_EQ(seen.record.ExceptionFlags, 0);
}

static void null_read_and_write(void)
{
    expect(point_at_good);
    CHECK_EQ(load(NULL), 1234);
    access_violation(0, NULL);
    expect(point_at_good);
    store((void *)16, 99);
    access_violation(1, (void *)16);
    CHECK_EQ(good, 99);
    good = 1234;
}

static void protected_pages(void)
{
    DWORD old;
    char *page = VirtualAlloc(NULL, 8192, MEM_RESERVE | MEM_COMMIT, PAGE_READONLY);
    NEED(page);
    expect(point_at_good);
    store(page + 40, 7);
    access_violation(1, page + 40);
    CHECK_EQ(load(page + 40), 0);
    VirtualProtect(page + 4096, 4096, PAGE_NOACCESS, &old);
    expect(point_at_good);
    load(page + 4096);
    access_violation(0, page + 4096);
    /* Straddling the end of what may be read: the address is the first byte that may not. */
    expect(point_at_good);
    load(page + 4094);
    access_violation(0, page + 4096);
    VirtualFree(page, 0, MEM_RELEASE);
    expect(point_at_good);
    load(page + 100);
    access_violation(0, page + 100);
    good = 1234;
}

static void run_code(CONTEXT *c)
{
    DWORD old;
    VirtualProtect((void *)PC(c), 16, PAGE_EXECUTE_READ, &old);
}

static void execute_data(void)
{
    static const unsigned char code[] = {0xb8, 0x2a, 0, 0, 0, 0xc3}; /* mov eax, 42; ret */
    unsigned char *page = VirtualAlloc(NULL, 4096, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    NEED(page);
    memcpy(page, code, sizeof(code));
    expect(run_code);
    CHECK_EQ(((int (*)(void))page)(), 42);
    access_violation(8, page);
    CHECK_EQ(PC(&seen.context), (ULONG_PTR)page);
    VirtualFree(page, 0, MEM_RELEASE);
}

static void leave_null(CONTEXT *c)
{
#ifdef _WIN64
    c->Rip = *(ULONG_PTR *)c->Rsp;
    c->Rsp += 8;
#else
    c->Eip = *(ULONG_PTR *)c->Esp;
    c->Esp += 4;
#endif
    AX(c) = 31;
}

static void call_null(void)
{
    int (*volatile nothing)(void) = NULL;
    expect(leave_null);
    CHECK_EQ(nothing(), 31);
    access_violation(8, NULL);
}

static void retry(CONTEXT *c)
{
    (void)c;
}

static void guard_page(void)
{
    char *page = VirtualAlloc(NULL, 4096, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE | PAGE_GUARD);
    MEMORY_BASIC_INFORMATION info;
    NEED(page);
    expect(retry);
    store(page + 12, 55);
    seen.resume = NULL;
    CHECK_EQ(seen.count, 1);
    CHECK_EQ(seen.record.ExceptionCode, EXCEPTION_GUARD_PAGE);
    CHECK_EQ(seen.record.ExceptionInformation[0], 1);
    CHECK_EQ(seen.record.ExceptionInformation[1], (ULONG_PTR)page + 12);
    CHECK_EQ(load(page + 12), 55);
    VirtualQuery(page, &info, sizeof(info));
    CHECK_EQ(info.Protect, PAGE_READWRITE);
    VirtualFree(page, 0, MEM_RELEASE);
}

/* ---- Single steps and software exceptions ---------------------------------------------------- */

static void no_more_steps(CONTEXT *c)
{
    CHECK(!(c->EFlags & 0x100)); /* each step is asked for */
}

static void single_step(void)
{
    expect(no_more_steps);
    unsigned ax = 1;
#ifdef _WIN64
    __asm__ volatile("pushfq\n\torl $0x100, (%%rsp)\n\tpopfq\n\tinc %0\n\tinc %0" : "+a"(ax)::"cc");
#else
    __asm__ volatile("pushfl\n\torl $0x100, (%%esp)\n\tpopfl\n\tinc %0\n\tinc %0" : "+a"(ax)::"cc");
#endif
    seen.resume = NULL;
    CHECK_EQ(seen.count, 1);
    CHECK_EQ(seen.record.ExceptionCode, EXCEPTION_SINGLE_STEP);
    CHECK_EQ((unsigned)AX(&seen.context), 2);
    CHECK_EQ(ax, 3);
}

static int steps_taken;

static void step_on(CONTEXT *c)
{
    if (++steps_taken < 4)
        c->EFlags |= 0x100u;
    else
        c->EFlags &= ~0x100u;
}

static void steps_in_a_row(void)
{
    expect(step_on);
    steps_taken = 0;
    unsigned ax = 0;
#ifdef _WIN64
    __asm__ volatile("pushfq\n\torl $0x100, (%%rsp)\n\tpopfq\n\t"
#else
    __asm__ volatile("pushfl\n\torl $0x100, (%%esp)\n\tpopfl\n\t"
#endif
                     "inc %0\n\tinc %0\n\tinc %0\n\tinc %0\n\tinc %0\n\tinc %0"
                     : "+a"(ax)::"cc");
    seen.resume = NULL;
    CHECK_EQ(seen.count, 4);
    CHECK_EQ((unsigned)AX(&seen.context), 4);
    CHECK_EQ(ax, 6);
}

/* Debug registers that mean nothing are zero; setting one's own does not lose the result. */
static void own_context(void)
{
    CONTEXT c = {.ContextFlags = CONTEXT_DEBUG_REGISTERS};
    CHECK(GetThreadContext(GetCurrentThread(), &c));
    CHECK_EQ(c.Dr6, 0);
    CHECK_EQ(c.Dr7, 0);
    c.Dr0 = 0x1000;
    CHECK(SetThreadContext(GetCurrentThread(), &c));
    c.Dr0 = 0;
    CHECK(GetThreadContext(GetCurrentThread(), &c));
    CHECK_EQ(c.Dr0, 0x1000);
}

static int filtered;

static LONG WINAPI last_resort(EXCEPTION_POINTERS *p)
{
    filtered++;
    after_ud2(p->ContextRecord);
    return EXCEPTION_CONTINUE_EXECUTION;
}

/* Code that no function table describes is a leaf: the frames above it are found. */
static void unknown_code(void)
{
    static const unsigned char ud2_ret[] = {0x0f, 0x0b, 0xc3};
    void *page = VirtualAlloc(NULL, 4096, MEM_COMMIT, PAGE_EXECUTE_READWRITE);
    NEED(page);
    memcpy(page, ud2_ret, sizeof(ud2_ret));
    LPTOP_LEVEL_EXCEPTION_FILTER old = SetUnhandledExceptionFilter(last_resort);
    ((void (*)(void))page)();
    SetUnhandledExceptionFilter(old);
    CHECK_EQ(filtered, 1);
    VirtualFree(page, 0, MEM_RELEASE);
}

static void raise_exception(void)
{
    ULONG_PTR args[3] = {1, 2, (ULONG_PTR)&args};
    expect(retry);
    RaiseException(0xe0001234, 0, 3, args);
    seen.resume = NULL;
    CHECK_EQ(seen.count, 1);
    CHECK_EQ((DWORD)seen.record.ExceptionCode, 0xe0001234);
    CHECK_EQ(seen.record.NumberParameters, 3);
    CHECK_EQ(seen.record.ExceptionInformation[0], 1);
    CHECK_EQ(seen.record.ExceptionInformation[2], (ULONG_PTR)&args);
}

/* ---- Registers, order of handlers, exceptions within exceptions ------------------------------ */

static void change_everything(CONTEXT *c)
{
    PC(c) += 2;
#ifdef _WIN64
    c->Rbx = 0x1111222233334444;
    c->R12 = 0x5555666677778888;
#else
    c->Ebx = 0x11112222;
#endif
    c->EFlags |= 1;
}

static void handlers_set_registers(void)
{
    ULONG_PTR bx = 0, r12 = 0;
    unsigned char carry = 0;
    expect(change_everything);
#ifdef _WIN64
    __asm__ volatile("xor %%ebx, %%ebx\n\txor %%r12d, %%r12d\n\tclc\n\tud2\n\tsetc %2\n\t"
                     "mov %%rbx, %0\n\tmov %%r12, %1"
                     : "=m"(bx), "=m"(r12), "=m"(carry)::"rbx", "r12", "cc");
    CHECK_EQ(bx, 0x1111222233334444);
    CHECK_EQ(r12, 0x5555666677778888);
#else
    __asm__ volatile("xor %%ebx, %%ebx\n\tclc\n\tud2\n\tsetc %1\n\tmov %%ebx, %0"
                     : "=m"(bx), "=m"(carry)::"ebx", "cc");
    CHECK_EQ(bx, 0x11112222);
    (void)r12;
#endif
    seen.resume = NULL;
    CHECK_EQ(carry, 1);
}

static char order[16];

static LONG CALLBACK first(EXCEPTION_POINTERS *p)
{
    if (p->ExceptionRecord->ExceptionCode == 0xe0000001)
        strcat(order, "f");
    return EXCEPTION_CONTINUE_SEARCH;
}

static LONG CALLBACK last(EXCEPTION_POINTERS *p)
{
    if (p->ExceptionRecord->ExceptionCode != 0xe0000001)
        return EXCEPTION_CONTINUE_SEARCH;
    strcat(order, "l");
    return EXCEPTION_CONTINUE_EXECUTION;
}

static void handlers_run_in_order(void)
{
    void *l = AddVectoredExceptionHandler(0, last), *f = AddVectoredExceptionHandler(1, first);
    RaiseException(0xe0000001, 0, 0, NULL);
    CHECK_STR(order, "fl");
    CHECK(RemoveVectoredExceptionHandler(f) != 0);
    CHECK(RemoveVectoredExceptionHandler(f) == 0);
    order[0] = 0;
    RaiseException(0xe0000001, 0, 0, NULL);
    CHECK_STR(order, "l");
    RemoveVectoredExceptionHandler(l);
}

static int depth;

static void fault_again(CONTEXT *c)
{
    if (depth++ < 5) {
        volatile int value = load((void *)(ULONG_PTR)depth);
        CHECK_EQ(value, 1234);
    }
    CX(c) = (ULONG_PTR)&good;
}

static void faults_in_handlers(void)
{
    expect(fault_again);
    CHECK_EQ(load(NULL), 1234);
    seen.resume = NULL;
    CHECK_EQ(seen.count, 6);
}

static void again_and_again(void)
{
    expect(point_at_good);
    int sum = 0;
    for (int i = 0; i < 300; i++)
        sum += load((void *)(ULONG_PTR)i);
    seen.resume = NULL;
    CHECK_EQ(sum, 300 * 1234);
    CHECK_EQ(seen.count, 300);
}

int main(void)
{
    NEED(AddVectoredExceptionHandler(1, handler));
    int3();
    divide_by_zero();
    illegal_instruction();
    privileged_instruction();
    port_strings();
    debug_services();
    null_read_and_write();
    protected_pages();
    execute_data();
    call_null();
    guard_page();
    single_step();
    steps_in_a_row();
    raise_exception();
    own_context();
    unknown_code();
    handlers_set_registers();
    handlers_run_in_order();
    faults_in_handlers();
    again_and_again();
    return check_done();
}
