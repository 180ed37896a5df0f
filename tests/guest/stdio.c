// SPDX-License-Identifier: GPL-2.0-or-later
// Redirected standard handles pass bytes unchanged.
//   stdio copy: standard input to standard output; stdio crt: the same through the C runtime;
//   stdio both: some text to each output; stdio types: what the handles are, from the program's
//   view; stdio seek: a file as input and one as output; stdio append: the output is one that is
//   appended to; stdio pipe, stdio nul, stdio terminal: standard input is that.
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

/* The input is "skipped0123456789", of which the host has read "skipped"; the output "old text". */
static int seek(void)
{
    char b[16] = "";
    DWORD n;
    LARGE_INTEGER size;
    OVERLAPPED at = {.Offset = 9};
    BY_HANDLE_FILE_INFORMATION info;
    CHECK_EQ(GetFileType(in), FILE_TYPE_DISK);
    CHECK_EQ(GetFileType(out), FILE_TYPE_DISK);
    CHECK(GetFileInformationByHandle(in, &info) && info.nFileSizeLow == 17);
    CHECK(!(info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) && info.nNumberOfLinks == 1);
    CHECK_EQ(SetFilePointer(in, 0, NULL, FILE_CURRENT), 7);
    CHECK(ReadFile(in, b, 2, &n, NULL) && n == 2);
    CHECK_MEM(b, "01", 2);
    CHECK(ReadFile(in, b, 3, &n, &at) && n == 3);
    CHECK_MEM(b, "234", 3);
    CHECK_EQ(SetFilePointer(in, 0, NULL, FILE_CURRENT), 12);
    CHECK_EQ(SetFilePointer(in, -3, NULL, FILE_END), 14);
    CHECK(ReadFile(in, b, sizeof(b), &n, NULL) && n == 3);
    CHECK(ReadFile(in, b, sizeof(b), &n, NULL) && n == 0);
    CHECK_EQ(SetFilePointer(in, 9, NULL, FILE_BEGIN), 9);
    CHECK_ERROR(SetEndOfFile(in), ERROR_ACCESS_DENIED);
    CHECK_ERROR(WriteFile(in, "x", 1, &n, NULL), ERROR_ACCESS_DENIED);

    CHECK(GetFileSizeEx(out, &size) && size.QuadPart == 8);
    CHECK_EQ(SetFilePointer(out, 0, NULL, FILE_CURRENT), 0);
    CHECK(WriteFile(out, "NEW", 3, &n, NULL) && n == 3);
    CHECK_EQ(SetFilePointer(out, 20, NULL, FILE_BEGIN), 20);
    CHECK(SetEndOfFile(out));
    CHECK(GetFileSizeEx(out, &size) && size.QuadPart == 20);
    CHECK_EQ(SetFilePointer(out, 8, NULL, FILE_BEGIN), 8);
    CHECK(SetEndOfFile(out));
    at.Offset = at.OffsetHigh = 0xffffffff;
    CHECK(WriteFile(out, "|", 1, &n, &at) && n == 1);
    return check_done();
}

/* What is written goes to the end, wherever the position is. */
static int append(void)
{
    DWORD n;
    CHECK_EQ(GetFileType(out), FILE_TYPE_DISK);
    CHECK_EQ(GetFileSize(out, NULL), 8);
    CHECK_EQ(SetFilePointer(out, 0, NULL, FILE_BEGIN), 0);
    CHECK(WriteFile(out, "+", 1, &n, NULL) && n == 1);
    CHECK_EQ(GetFileSize(out, NULL), 9);
    return check_done();
}

static int from_pipe(void)
{
    char b[8] = "";
    DWORD n;
    CHECK_EQ(GetFileType(in), FILE_TYPE_PIPE);
    CHECK(ReadFile(in, b, sizeof(b), &n, NULL) && n == 5);
    CHECK_STR(b, "hello");
    CHECK_ERROR(ReadFile(in, b, sizeof(b), &n, NULL), ERROR_BROKEN_PIPE);
    return check_done();
}

static int from_nul(void)
{
    char b[8];
    DWORD n = 1;
    CHECK_EQ(GetFileType(in), FILE_TYPE_CHAR);
    CHECK(ReadFile(in, b, sizeof(b), &n, NULL) && n == 0);
    CHECK(!GetConsoleMode(in, &n));
    CHECK_EQ(getchar(), EOF);
    return check_done();
}

static int from_terminal(void)
{
    char b[8] = "";
    DWORD n;
    CHECK_EQ(GetFileType(in), FILE_TYPE_CHAR);
    CHECK(_isatty(0));
    CHECK(GetFileSize(in, NULL) == INVALID_FILE_SIZE);
    CHECK(ReadFile(in, b, sizeof(b), &n, NULL) && n >= 6 && !memcmp(b, "hello", 5));
    return check_done();
}

int main(int argc, char **argv)
{
    in = GetStdHandle(STD_INPUT_HANDLE);
    out = GetStdHandle(STD_OUTPUT_HANDLE);
    err = GetStdHandle(STD_ERROR_HANDLE);
    SetLastError(0);
    const char *what = argc > 1 ? argv[1] : "";
    return !strcmp(what, "copy")       ? copy()
           : !strcmp(what, "crt")      ? copy_with_crt()
           : !strcmp(what, "both")     ? both()
           : !strcmp(what, "types")    ? types()
           : !strcmp(what, "seek")     ? seek()
           : !strcmp(what, "append")   ? append()
           : !strcmp(what, "pipe")     ? from_pipe()
           : !strcmp(what, "nul")      ? from_nul()
           : !strcmp(what, "terminal") ? from_terminal()
                                       : 98;
}
