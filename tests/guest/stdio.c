// SPDX-License-Identifier: GPL-2.0-or-later
// Redirected standard handles pass bytes unchanged.
//   stdio copy: standard input to standard output; stdio crt: the same through the C runtime;
//   stdio both: some text to each output; stdio types: what the handles are, from the program's
//   view.
#include "check.h"

#include <fcntl.h>
#include <io.h>

static HANDLE in, out, err;

static int copy(void)
{
    static char block[5000];
    DWORD n, written, total = 0;
    while (ReadFile(in, block, sizeof(block), &n, NULL) && n) {
        if (!WriteFile(out, block, n, &written, NULL) || written != n)
            return 2;
        total += n;
    }
    if (GetLastError() && GetLastError() != ERROR_BROKEN_PIPE && GetLastError() != ERROR_HANDLE_EOF)
        return 3;
    char note[64];
    WriteFile(err, note, (DWORD)sprintf(note, "%lu bytes\n", total), &n, NULL);
    return 0;
}

static int copy_with_crt(void)
{
    int c;
    _setmode(0, _O_BINARY);
    _setmode(1, _O_BINARY);
    while ((c = getchar()) != EOF)
        if (putchar(c) == EOF)
            return 2;
    return ferror(stdin) ? 3 : fflush(stdout) ? 4 : 0;
}

static int both(void)
{
    DWORD n;
    WriteFile(out, "out1\n", 5, &n, NULL);
    WriteFile(err, "err1\n", 5, &n, NULL);
    printf("out2\n");
    fprintf(stderr, "err2\n");
    fputs("\xe4\xb8\x96\n", stdout);
    return 0;
}

static int types(void)
{
    DWORD mode;
    CHECK(in && out && err && in != INVALID_HANDLE_VALUE);
    CHECK_EQ(GetFileType(in), FILE_TYPE_DISK);
    CHECK_EQ(GetFileSize(in, NULL), 5);
    CHECK_EQ(SetFilePointer(in, 0, NULL, FILE_END), 5);
    CHECK_EQ(SetFilePointer(in, 1, NULL, FILE_BEGIN), 1);
    CHECK(!GetConsoleMode(in, &mode));
    char b[8] = "";
    DWORD n;
    CHECK(ReadFile(in, b, 8, &n, NULL) && n == 4);
    CHECK_STR(b, "ello");
    CHECK(ReadFile(in, b, 8, &n, NULL) && n == 0);
    CHECK(!GetConsoleMode(out, &mode));
    CHECK_EQ(GetFileType(out), FILE_TYPE_PIPE);
    CHECK(!_isatty(1));
    HANDLE twin = NULL;
    CHECK(DuplicateHandle(GetCurrentProcess(), out, GetCurrentProcess(), &twin, 0, FALSE,
                          DUPLICATE_SAME_ACCESS));
    CHECK(WriteFile(twin, "twin\n", 5, &n, NULL) && CloseHandle(twin));
    CHECK(SetStdHandle(STD_ERROR_HANDLE, out) && GetStdHandle(STD_ERROR_HANDLE) == out);
    return check_done();
}

int main(int argc, char **argv)
{
    in = GetStdHandle(STD_INPUT_HANDLE);
    out = GetStdHandle(STD_OUTPUT_HANDLE);
    err = GetStdHandle(STD_ERROR_HANDLE);
    SetLastError(0);
    const char *what = argc > 1 ? argv[1] : "";
    return !strcmp(what, "copy")    ? copy()
           : !strcmp(what, "crt")   ? copy_with_crt()
           : !strcmp(what, "both")  ? both()
           : !strcmp(what, "types") ? types()
                                    : 98;
}
