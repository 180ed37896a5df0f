// SPDX-License-Identifier: GPL-2.0-or-later
// Prints each argument as hexadecimal UTF-16, once as CommandLineToArgvW takes the command line
// apart and once as the C runtime does. The runner compares them with what it passed.
#include "check.h"

#include <shellapi.h>

static void print(const char *kind, const wchar_t *s)
{
    printf("%s", kind);
    for (; *s; s++)
        printf(" %04x", *s);
    printf("\n");
}

int main(void)
{
    int count = 0, crt_count = 0, expand = 0;
    wchar_t **crt_args, **env;
    wchar_t **args = CommandLineToArgvW(GetCommandLineW(), &count);
    struct {
        int newmode;
    } start = {0};
    int __cdecl __wgetmainargs(int *, wchar_t ***, wchar_t ***, int, void *);
    NEED(args != NULL);
    __wgetmainargs(&crt_count, &crt_args, &env, expand, &start);
    for (int i = 1; i < count; i++)
        print("argv", args[i]);
    for (int i = 1; i < crt_count; i++)
        print("crt", crt_args[i]);
    CHECK_EQ(count, crt_count);
    CHECK(wcsstr(args[0], L"args") != NULL);
    LocalFree(args);
    args = CommandLineToArgvW(L"prog \"a b\" c\\\\\"d\" \"e\\\"f\" \"\" g\"\"h i\\j", &count);
    CHECK_EQ(count, 7);
    CHECK(!wcscmp(args[1], L"a b") && !wcscmp(args[2], L"c\\d") && !wcscmp(args[3], L"e\"f"));
    CHECK(!wcscmp(args[4], L"") && !wcscmp(args[5], L"gh") && !wcscmp(args[6], L"i\\j"));
    return check_done();
}
