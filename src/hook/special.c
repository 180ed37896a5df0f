// SPDX-License-Identifier: GPL-2.0-or-later
/* Functions for which a replaced return address, or a thunk, would show. */
#include "hook/internal.h"

#include <string.h>

struct special {
    const char *name;
    uint8_t kind; /* enum hook_kind, or NEVER */
};
enum { NEVER = 0x80 };

/*
 * HOOK_WALKS: looks at its callers' frames, or leaves by unwinding them. HOOK_NO_LEAVE: never
 * returns, or keeps its return address to come back to it by a jump (setjmp). NEVER: helpers of
 * compilers, which take and keep values in any register or move the stack under their caller; and
 * entry points of the kernel's.
 *
 * In the order of strcmp.
 */
static const struct special specials[] = {
    {"CaptureStackBackTrace", HOOK_WALKS},
    {"ExitProcess", HOOK_NO_LEAVE},
    {"ExitThread", HOOK_NO_LEAVE},
    {"FreeLibraryAndExitThread", HOOK_NO_LEAVE},
    {"KiUserApcDispatcher", NEVER},
    {"KiUserCallbackDispatcher", NEVER},
    {"KiUserExceptionDispatcher", NEVER},
    {"LdrInitializeThunk", NEVER},
    {"LdrShutdownProcess", HOOK_NO_LEAVE},
    {"NtContinue", HOOK_WALKS},
    {"NtContinueEx", HOOK_WALKS},
    {"NtRaiseException", HOOK_WALKS},
    {"RaiseException", HOOK_WALKS},
    {"RtlCaptureContext", HOOK_WALKS},
    {"RtlCaptureContext2", HOOK_WALKS},
    {"RtlCaptureStackBackTrace", HOOK_WALKS},
    {"RtlExitUserProcess", HOOK_NO_LEAVE},
    {"RtlExitUserThread", HOOK_NO_LEAVE},
    {"RtlGetCallersAddress", HOOK_WALKS},
    {"RtlLookupFunctionEntry", HOOK_WALKS},
    {"RtlRaiseException", HOOK_WALKS},
    {"RtlRaiseStatus", HOOK_WALKS},
    {"RtlRestoreContext", HOOK_WALKS},
    {"RtlUnwind", HOOK_WALKS},
    {"RtlUnwind2", HOOK_WALKS},
    {"RtlUnwindEx", HOOK_WALKS},
    {"RtlUserThreadStart", NEVER},
    {"RtlVirtualUnwind", HOOK_WALKS},
    {"RtlVirtualUnwind2", HOOK_WALKS},
    {"RtlWalkFrameChain", HOOK_WALKS},
    {"StackWalk", HOOK_WALKS},
    {"StackWalk64", HOOK_WALKS},
    {"StackWalkEx", HOOK_WALKS},
    {"ZwContinue", HOOK_WALKS},
    {"ZwContinueEx", HOOK_WALKS},
    {"ZwRaiseException", HOOK_WALKS},
    {"_CxxThrowException", HOOK_WALKS},
    {"_EH_prolog", NEVER},
    {"_EH_prolog2", NEVER},
    {"_EH_prolog3", NEVER},
    {"_EH_prolog3_GS", NEVER},
    {"_EH_prolog3_catch", NEVER},
    {"_SEH_epilog", NEVER},
    {"_SEH_epilog4", NEVER},
    {"_SEH_epilog4_GS", NEVER},
    {"_SEH_prolog", NEVER},
    {"_SEH_prolog4", NEVER},
    {"_SEH_prolog4_GS", NEVER},
    {"_Unwind_Backtrace", HOOK_WALKS},
    {"_Unwind_ForcedUnwind", HOOK_WALKS},
    {"_Unwind_RaiseException", HOOK_WALKS},
    {"_Unwind_Resume", HOOK_WALKS},
    {"_Unwind_Resume_or_Rethrow", HOOK_WALKS},
    {"__chkstk", NEVER},
    {"__cxa_rethrow", HOOK_WALKS},
    {"__cxa_throw", HOOK_WALKS},
    {"__intrinsic_setjmp", HOOK_NO_LEAVE},
    {"__intrinsic_setjmpex", HOOK_NO_LEAVE},
    {"_alldiv", NEVER},
    {"_alldvrm", NEVER},
    {"_allmul", NEVER},
    {"_alloca_probe", NEVER},
    {"_alloca_probe_16", NEVER},
    {"_alloca_probe_8", NEVER},
    {"_allrem", NEVER},
    {"_allshl", NEVER},
    {"_allshr", NEVER},
    {"_aulldiv", NEVER},
    {"_aulldvrm", NEVER},
    {"_aullrem", NEVER},
    {"_aullshr", NEVER},
    {"_chkstk", NEVER},
    {"_except_handler2", HOOK_NO_LEAVE}, /* goes on in the handler that it found */
    {"_except_handler3", HOOK_NO_LEAVE},
    {"_except_handler4_common", HOOK_NO_LEAVE},
    {"_exit", HOOK_NO_LEAVE},
    {"_global_unwind2", HOOK_WALKS},
    {"_local_unwind", HOOK_WALKS},
    {"_local_unwind2", HOOK_WALKS},
    {"_local_unwind4", HOOK_WALKS},
    {"_longjmpex", HOOK_WALKS},
    {"_setjmp", HOOK_NO_LEAVE},
    {"_setjmp3", HOOK_NO_LEAVE},
    {"_setjmpex", HOOK_NO_LEAVE},
    {"abort", HOOK_NO_LEAVE},
    {"exit", HOOK_NO_LEAVE},
    {"longjmp", HOOK_WALKS},
    {"setjmp", HOOK_NO_LEAVE},
};

static const struct special *find(const char *name)
{
    size_t low = 0, high = ARRAY_LEN(specials);
    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = strcmp(name, specials[mid].name);
        if (!order)
            return &specials[mid];
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

/* Service numbers of win32u are read off its stubs; what is called there is a service. */
bool hook_takes_part(const char *module)
{
    return strcmp(module, "win32u.dll");
}

bool hook_classify(const char *module, const char *name, enum hook_kind *kind)
{
    *kind = HOOK_PLAIN;
    if (!hook_takes_part(module))
        return false;
    if (!name)
        return true;
    const struct special *s = find(name);
    if (!s)
        return true;
    *kind = s->kind & ~NEVER;
    return !(s->kind & NEVER);
}

/* ---- Marks
 * -------------------------------------------------------------------------------------------- */

void hook_marks_init(struct hook_marks *marks)
{
    for (size_t i = 0; i < ARRAY_LEN(specials); i++) {
        uint8_t first[HOOK_MARK] = {0};
        memcpy(first, specials[i].name, strnlen(specials[i].name, HOOK_MARK));
        uint32_t bit = hook_mark_of(first);
        marks->bits[bit / 64] |= 1ull << (bit % 64);
    }
}
