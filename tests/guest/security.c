// SPDX-License-Identifier: GPL-2.0-or-later
// Security descriptors of files and directories: what they forbid is refused, they stay when the
// file is closed, and follow it when it gets another name.
#include "check.h"

#include <sddl.h>

static SECURITY_ATTRIBUTES given(const char *sddl)
{
    SECURITY_ATTRIBUTES a = {.nLength = sizeof(a)};
    NEED(ConvertStringSecurityDescriptorToSecurityDescriptorA(sddl, SDDL_REVISION_1,
                                                              &a.lpSecurityDescriptor, NULL));
    return a;
}

static HANDLE open(const char *name, DWORD access, DWORD how)
{
    return CreateFileA(name, access, 7, NULL, how, FILE_FLAG_BACKUP_SEMANTICS, NULL);
}

static int may(const char *name, DWORD access)
{
    HANDLE h = open(name, access, OPEN_EXISTING);
    if (h == INVALID_HANDLE_VALUE) {
        CHECK_EQ(GetLastError(), ERROR_ACCESS_DENIED);
        return 0;
    }
    CloseHandle(h);
    return 1;
}

/* The DACL as text, from malloc of the system. */
static char *dacl_of(const char *name)
{
    char bytes[1024], *text = NULL;
    DWORD n;
    HANDLE h = open(name, READ_CONTROL, OPEN_EXISTING);
    CHECK(h != INVALID_HANDLE_VALUE);
    CHECK(GetKernelObjectSecurity(h, DACL_SECURITY_INFORMATION, bytes, sizeof(bytes), &n));
    CHECK(ConvertSecurityDescriptorToStringSecurityDescriptorA(
        bytes, SDDL_REVISION_1, DACL_SECURITY_INFORMATION, &text, NULL));
    CloseHandle(h);
    return text;
}

static void read_only_directory(void)
{
    SECURITY_ATTRIBUTES a = given("D:PAI(A;;0x1200a9;;;WD)");
    NEED(CreateDirectoryA("closed", &a));
    CHECK(open("closed\\new", GENERIC_WRITE, CREATE_NEW) == INVALID_HANDLE_VALUE);
    CHECK_EQ(GetLastError(), ERROR_ACCESS_DENIED);
    CHECK_ERROR(CreateDirectoryA("closed\\sub", NULL), ERROR_ACCESS_DENIED);
    CHECK(may("closed", FILE_LIST_DIRECTORY));
    CHECK(!may("closed", FILE_ADD_FILE));
    CHECK(may("closed", WRITE_DAC)); /* its owner may always change that */
    CHECK(may("closed", DELETE));    /* by the directory above */
    CHECK(RemoveDirectoryA("closed"));
    CHECK(CreateDirectoryA("closed", NULL)); /* another of that name begins anew */
    CHECK(CreateDirectoryA("closed\\sub", NULL) && RemoveDirectoryA("closed\\sub"));
    CHECK(RemoveDirectoryA("closed"));
    LocalFree(a.lpSecurityDescriptor);
}

static void set_on_a_file(void)
{
    SECURITY_ATTRIBUTES a = given("D:(A;;GR;;;WD)");
    HANDLE h = open("file", GENERIC_ALL, CREATE_NEW);
    NEED(h != INVALID_HANDLE_VALUE);
    CHECK(SetKernelObjectSecurity(h, DACL_SECURITY_INFORMATION, a.lpSecurityDescriptor));
    CloseHandle(h);
    char *text = dacl_of("file");
    CHECK_STR(text, "D:(A;;FR;;;WD)");
    LocalFree(text);
    CHECK(may("file", GENERIC_READ));
    CHECK(!may("file", GENERIC_WRITE));
    CHECK(MoveFileA("file", "moved"));
    CHECK(!may("moved", GENERIC_WRITE));
    h = open("file", GENERIC_WRITE, CREATE_NEW);
    CHECK(h != INVALID_HANDLE_VALUE);
    CloseHandle(h);
    h = open("moved", MAXIMUM_ALLOWED, OPEN_EXISTING);
    CHECK(h != INVALID_HANDLE_VALUE);
    DWORD n;
    CHECK_ERROR(WriteFile(h, "x", 1, &n, NULL), ERROR_ACCESS_DENIED);
    CloseHandle(h);
    CHECK(DeleteFileA("file") && DeleteFileA("moved"));
    LocalFree(a.lpSecurityDescriptor);
}

int main(void)
{
    read_only_directory();
    set_on_a_file();
    return check_done();
}
