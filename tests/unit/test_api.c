// SPDX-License-Identifier: GPL-2.0-or-later
#include "test.h"
#include "api/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct api_table builtin(void)
{
    struct api_table t;
    api_builtin(&t);
    return t;
}

static struct api_function find(const struct api_table *t, const char *name, unsigned bitness)
{
    struct api_function f;
    if (!api_find_exact(t, name, bitness, &f))
        fail_msg("no prototype of %s", name);
    return f;
}

/* "HANDLE stdcall 28: in LPCWSTR lpFileName; in DWORD dwShareMode FILE_SHARE; ..." */
static void describe(const struct api_table *t, const char *name, unsigned bitness, char *out,
                     size_t size)
{
    static const char *const conventions[] = {"cdecl", "stdcall", "fastcall", "thiscall"};
    static const char *const directions[] = {"in", "out", "inout"};
    struct api_function f = find(t, name, bitness);
    size_t n = (size_t)snprintf(out, size, "%s %s %u:", api_type(t, f.result).name,
                                conventions[f.convention], f.stack);
    for (unsigned i = 0; i < f.count; i++) {
        struct api_arg a = api_arg(t, &f, i);
        n += (size_t)snprintf(out + n, size - n, " %s %s %s", directions[a.direction],
                              api_type(t, a.type).name, a.name);
        if (a.group)
            n += (size_t)snprintf(out + n, size - n, " @%s", api_group(t, a.group).name);
        if (a.size_kind)
            n += (size_t)snprintf(out + n, size - n, " %s=%u",
                                  a.size_kind == API_SIZE_BYTES ? "bytes" : "elements", a.size_arg);
        if (a.filled_arg != API_NO_ARG)
            n += (size_t)snprintf(out + n, size - n, " filled=%u", a.filled_arg);
        n += (size_t)snprintf(out + n, size - n, ";");
    }
    if (f.flags & API_VARIADIC)
        snprintf(out + n, size - n, " ...");
}

static void known_functions_have_their_full_prototype(void **state)
{
    static const struct {
        const char *name, *is;
    } rows[] = {
        {"CreateFileW",
         "HANDLE stdcall 28: in LPCWSTR lpFileName; in DWORD dwDesiredAccess @FILE_ACCESS;"
         " in DWORD dwShareMode @FILE_SHARE; in LPSECURITY_ATTRIBUTES lpSecurityAttributes;"
         " in DWORD dwCreationDisposition @CREATE_DISPOSITION_WIN32;"
         " in DWORD dwFlagsAndAttributes @FILE_FLAGS_AND_ATTRIBUTES; in HANDLE hTemplateFile;"},
        {"RegQueryValueExW",
         "LONG stdcall 24: in HKEY hKey @PREDEFINED_KEY; in LPCWSTR lpValueName;"
         " in LPDWORD lpReserved; out LPDWORD lpType @REG_TYPE; out LPBYTE lpData bytes=5;"
         " inout LPDWORD lpcbData;"},
        {"ReadFile", "BOOL stdcall 20: in HANDLE hFile; out LPVOID lpBuffer bytes=2 filled=3;"
                     " in DWORD nNumberOfBytesToRead; out LPDWORD lpNumberOfBytesRead;"
                     " in LPOVERLAPPED lpOverlapped;"},
        {"NtCreateFile",
         "NTSTATUS stdcall 44: out PHANDLE FileHandle; in ACCESS_MASK DesiredAccess @FILE_ACCESS;"
         " in POBJECT_ATTRIBUTES ObjectAttributes; out PIO_STATUS_BLOCK IoStatusBlock;"
         " in PLARGE_INTEGER AllocationSize; in ULONG FileAttributes @FILE_ATTRIBUTES;"
         " in ULONG ShareAccess @FILE_SHARE; in ULONG CreateDisposition @CREATE_DISPOSITION;"
         " in ULONG CreateOptions @CREATE_OPTIONS; in PVOID EaBuffer bytes=10; in ULONG EaLength;"},
        {"printf", "int cdecl 4: in const char * _Format; ..."},
        {"memcpy", "void * cdecl 12: out void * _Dst bytes=2; in const void * _Src bytes=2;"
                   " in size_t _Size;"},
        {"GetCommandLineW", "LPWSTR stdcall 0:"},
        {"CoCreateInstance",
         "HRESULT stdcall 20: in const IID *const rclsid; in LPUNKNOWN pUnkOuter;"
         " in DWORD dwClsContext @CLSCTX; in const IID *const riid; out LPVOID * ppv;"},
        {"pow", "double cdecl 16: in double _X; in double _Y;"},
        {"SetFilePointerEx",
         "BOOL stdcall 20: in HANDLE hFile; in LARGE_INTEGER liDistanceToMove;"
         " out PLARGE_INTEGER lpNewFilePointer; in DWORD dwMoveMethod @FILE_MOVE_METHOD;"},
        {"WindowFromPoint", "HWND stdcall 8: in POINT Point;"},
        {"GdipSetPenWidth", "GpStatus stdcall 8: in struct GpPen * arg1; in REAL arg2;"},
        {"LdrLoadDll", "NTSTATUS stdcall 16: in PWSTR LoadPath; in PULONG DllCharacteristics;"
                       " in PCUNICODE_STRING DllName; out PVOID * BaseAddress;"},
        {"crc32",
         "unsigned long cdecl 12: in unsigned long crc; in const unsigned char * buf bytes=2;"
         " in unsigned int len;"},
    };
    struct api_table t = builtin();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char is[2048];
        describe(&t, rows[i].name, 8, is, sizeof is);
        assert_string_equal(is, rows[i].is);
    }
}

static void each_name_is_found_and_no_other(void **state)
{
    struct api_table t = builtin();
    struct api_function f;
    assert_true(api_function_count(&t) > 13000);
    for (size_t i = 0; i < api_function_count(&t); i++) {
        struct api_function is = api_function_at(&t, i);
        unsigned bitness = is.flags & API_ON_64 ? 8 : 4;
        expect_row(i, api_find_exact(&t, is.name, bitness, &f) && f.first == is.first);
    }
    static const char *const others[] = {"", "A", "createfilew", "CreateFileW ", "\xff", "~"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        expect_row(i, !api_find_exact(&t, others[i], 8, &f));
}

static void another_name_of_a_function_is_said_to_be_one(void **state)
{
    static const struct {
        const char *asked, *found;
        enum api_found how;
    } rows[] = {
        {"NtClose", "NtClose", API_EXACT},
        {"ZwTestAlert", "NtTestAlert", API_ZW_AS_NT},
        {"K32EnumProcesses", "EnumProcesses", API_K32},
        {"CreateFile", "CreateFileW", API_SUFFIX},
        {"CreateFileMapping2A", NULL, API_EXACT},
        {"LdrLoadDllW", NULL, API_EXACT},
        {"SetThreadDescriptionA", NULL, API_EXACT},
        {"CommandLineToArgvA", "CommandLineToArgvW", API_A_BY_W},
        {"LoadModuleExW", NULL, API_EXACT},
        {"_o_malloc", "malloc", API_O},
        {"_memcpy", "memcpy", API_UNDERSCORE},
        {"_CreateFileW@28", "CreateFileW", API_DECORATED},
        {"?terminate@@YAXXZ", "?terminate@@YAXXZ", API_EXACT},
        {"@", NULL, API_EXACT},
        {"_@4", NULL, API_EXACT},
        {"", NULL, API_EXACT},
    };
    struct api_table t = builtin();
    struct api_function f;
    enum api_found how;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool found = api_find(&t, rows[i].asked, 8, &f, &how);
        expect_row(i, found == !!rows[i].found);
        expect_row(i, !found || (!strcmp(f.name, rows[i].found) && how == rows[i].how));
        expect_row(i, !found || !api_found_text(how)[0] == (how == API_EXACT));
    }
    char longest[600];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = 0;
    assert_false(api_find(&t, longest, 8, &f, &how));
}

static void what_differs_by_bitness_is_found_by_it(void **state)
{
    struct api_table t = builtin();
    struct api_function f;
    assert_true(api_find_exact(&t, "RtlVirtualUnwind", 8, &f));
    assert_false(api_find_exact(&t, "RtlVirtualUnwind", 4, &f));
    assert_true(api_find_exact(&t, "CreateFileW", 4, &f));
}

struct place_row {
    const char *name;
    unsigned bitness, arg;
    enum api_where where;
    unsigned at, size;
    bool by_reference;
};

static void arguments_lie_where_the_abi_puts_them(void **state)
{
    static const struct place_row rows[] = {
        {"CreateFileW", 8, 0, API_GENERAL, 0, 8},
        {"CreateFileW", 8, 3, API_GENERAL, 3, 8},
        {"CreateFileW", 8, 4, API_STACK, 0x28, 4},
        {"CreateFileW", 8, 6, API_STACK, 0x38, 8},
        {"CreateFileW", 4, 0, API_STACK, 4, 4},
        {"CreateFileW", 4, 6, API_STACK, 28, 4},
        {"pow", 8, 1, API_VECTOR, 1, 8},
        {"pow", 4, 1, API_STACK, 12, 8},
        {"ldexp", 8, 0, API_VECTOR, 0, 8},
        {"ldexp", 8, 1, API_GENERAL, 1, 4},
        {"GdipSetPenWidth", 8, 1, API_VECTOR, 1, 4},
        {"SetFilePointerEx", 8, 1, API_GENERAL, 1, 8},
        {"SetFilePointerEx", 4, 1, API_STACK, 8, 8},
        {"SetFilePointerEx", 4, 2, API_STACK, 16, 4},
        {"WindowFromPoint", 8, 0, API_GENERAL, 0, 8},
        {"WindowFromPoint", 4, 0, API_STACK, 4, 8},
        {"VarBstrFromDec", 4, 1, API_STACK, 8, 4},
        {"SetConsoleScreenBufferSize", 4, 1, API_STACK, 8, 4},
        {"div", 4, 1, API_STACK, 8, 4},
        {"printf", 8, 1, API_GENERAL, 1, 8},
        {"printf", 4, 2, API_STACK, 12, 4},
        {"BaseThreadInitThunk", 4, 0, API_GENERAL, 0, 4},
        {"BaseThreadInitThunk", 4, 1, API_GENERAL, 1, 4},
        {"BaseThreadInitThunk", 4, 2, API_STACK, 4, 4},
        {"??1type_info@@UAE@XZ", 4, 0, API_GENERAL, 0, 4},
    };
    struct api_table t = builtin();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct place_row *r = &rows[i];
        struct api_function f = find(&t, r->name, r->bitness);
        struct api_place p = api_place(&t, &f, r->arg, r->bitness);
        expect_row(i, p.where == r->where && p.at == r->at && p.size == r->size);
        expect_row(i, p.by_reference == r->by_reference);
    }
}

/* VARIANT by value has 24 bytes on x64, where such are passed by address, and 16 on i386. */
static void large_structures_are_passed_by_address_on_x64(void **state)
{
    struct api_table t = builtin();
    struct api_function f = find(&t, "VarI4FromDisp", 8), lldiv = find(&t, "lldiv", 8);
    assert_false(api_hidden_result(&t, &f, 8));
    assert_true(api_hidden_result(&t, &lldiv, 8));
    struct api_place first = api_place(&t, &lldiv, 0, 8);
    assert_int_equal(first.where, API_GENERAL);
    assert_int_equal(first.at, 1); /* RCX has the address of the result */
    first = api_place(&t, &lldiv, 0, 4);
    assert_int_equal(first.at, 8);
    for (size_t i = 0; i < api_function_count(&t); i++) {
        f = api_function_at(&t, i);
        for (unsigned k = 0; k < f.count; k++) {
            struct api_type y = api_type(&t, api_arg(&t, &f, k).type);
            if (y.kind != API_STRUCT || !(f.flags & API_ON_64))
                continue;
            bool fits = y.size64 == 1 || y.size64 == 2 || y.size64 == 4 || y.size64 == 8;
            assert_int_equal(api_place(&t, &f, k, 8).by_reference, !fits);
        }
    }
}

static void stdcall_functions_pop_their_arguments(void **state)
{
    static const struct {
        const char *name;
        unsigned bitness, bytes;
    } rows[] = {
        {"CreateFileW", 4, 28},        {"CreateFileW", 8, 0}, {"printf", 4, 0},
        {"BaseThreadInitThunk", 4, 4}, {"pow", 4, 0},         {"SetFilePointerEx", 4, 20},
    };
    struct api_table t = builtin();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct api_function f = find(&t, rows[i].name, rows[i].bitness);
        expect_row(i, api_pops(&t, &f, rows[i].bitness) == rows[i].bytes);
    }
}

static struct api_type pointee(const struct api_table *t, const char *function, const char *arg)
{
    struct api_function f = find(t, function, 8);
    int i = api_arg_index(t, &f, arg);
    assert_true(i >= 0);
    struct api_type pointer = api_type(t, api_arg(t, &f, (unsigned)i).type);
    assert_int_equal(pointer.kind, API_POINTER);
    return api_type(t, pointer.target);
}

static struct api_field field(const struct api_table *t, const struct api_type *y, const char *name)
{
    for (unsigned i = 0; i < y->count; i++) {
        struct api_field f = api_field(t, y, i);
        if (!strcmp(f.name, name))
            return f;
    }
    fail_msg("no field %s in %s", name, y->name);
    abort();
}

static void structures_have_fields_at_offsets_of_both_bitnesses(void **state)
{
    struct api_table t = builtin();
    struct api_type msg = pointee(&t, "GetMessageW", "lpMsg");
    assert_int_equal(msg.size32, 28);
    assert_int_equal(msg.size64, 48);
    struct api_field message = field(&t, &msg, "message"), w = field(&t, &msg, "wParam");
    assert_string_equal(api_group(&t, message.group).name, "WINDOW_MESSAGE");
    assert_int_equal(api_field_at(&w, 4), 8);
    assert_int_equal(api_field_at(&w, 8), 16);
    struct api_type overlapped = pointee(&t, "ReadFile", "lpOverlapped");
    assert_false(field(&t, &overlapped, "OffsetHigh").overlaps);
    assert_true(field(&t, &overlapped, "Pointer").overlaps);
    struct api_type dcb = pointee(&t, "GetCommState", "lpDCB");
    struct api_field parity = field(&t, &dcb, "fParity");
    assert_int_equal(parity.bit, 1);
    assert_int_equal(parity.bits, 1);
    struct api_type context = pointee(&t, "GetThreadContext", "lpContext");
    assert_int_equal(field(&t, &context, "Rip").at64, 0xf8);
    assert_int_equal(field(&t, &context, "Rip").at32, API_NOWHERE);
    assert_int_equal(field(&t, &context, "Eip").at32, 0xb8);
    assert_int_equal(field(&t, &context, "Eip").at64, API_NOWHERE);
}

static void types_have_the_kind_that_their_names_mean(void **state)
{
    static const struct {
        const char *function, *arg;
        enum api_kind kind, behind;
    } rows[] = {
        {"CreateFileW", "lpFileName", API_POINTER, API_WCHAR},
        {"CreateFileA", "lpFileName", API_POINTER, API_CHAR},
        {"CreateFileW", "hTemplateFile", API_HANDLE, API_VOID},
        {"SendMessageW", "hWnd", API_HANDLE, API_VOID},
        {"ReadFile", "lpBuffer", API_POINTER, API_VOID},
        {"CoCreateInstance", "rclsid", API_POINTER, API_GUID},
        {"CoCreateInstance", "pUnkOuter", API_POINTER, API_INTERFACE},
        {"CreateThread", "lpStartAddress", API_CODE, API_VOID},
        {"CreateProcessW", "bInheritHandles", API_BOOL, API_VOID},
        {"SetFilePointerEx", "liDistanceToMove", API_INT, API_VOID},
        {"GetFileInformationByHandleEx", "FileInformationClass", API_ENUM, API_VOID},
        {"WSASocketW", "af", API_INT, API_VOID},
        {"closesocket", "s", API_HANDLE, API_VOID},
    };
    struct api_table t = builtin();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct api_function f = find(&t, rows[i].function, 8);
        int arg = api_arg_index(&t, &f, rows[i].arg);
        expect_row(i, arg >= 0);
        struct api_type y = api_type(&t, api_arg(&t, &f, (unsigned)arg).type);
        expect_row(i, y.kind == rows[i].kind);
        expect_row(i, y.kind != API_POINTER || api_type(&t, y.target).kind == rows[i].behind);
    }
    struct api_function f = find(&t, "NtClose", 8);
    assert_int_equal(api_type(&t, f.result).kind, API_NTSTATUS);
    f = find(&t, "CoCreateInstance", 8);
    assert_int_equal(api_type(&t, f.result).kind, API_HRESULT);
    f = find(&t, "pow", 8);
    assert_int_equal(api_type(&t, f.result).kind, API_FLOAT);
}

static void values_are_written_by_name(void **state)
{
    static const struct {
        const char *function, *arg;
        uint64_t value;
        const char *text;
    } rows[] = {
        {"CreateFileW", "dwShareMode", 3, "FILE_SHARE_READ|FILE_SHARE_WRITE"},
        {"CreateFileW", "dwShareMode", 0, "0"},
        {"CreateFileW", "dwShareMode", 0x101, "FILE_SHARE_READ|0x100"},
        {"CreateFileW", "dwDesiredAccess", 0xc0000000, "GENERIC_WRITE|GENERIC_READ"},
        {"CreateFileW", "dwCreationDisposition", 3, "OPEN_EXISTING"},
        {"CreateFileW", "dwCreationDisposition", 77, "77"},
        {"RegOpenKeyExW", "hKey", 0x80000002, "HKEY_LOCAL_MACHINE"},
        {"RegOpenKeyExW", "hKey", 0xffffffff80000002, "HKEY_LOCAL_MACHINE"},
        {"RegOpenKeyExW", "hKey", 0x7fff12345678, "0x7fff12345678"},
        {"VirtualAlloc", "flAllocationType", 0x3000, "MEM_COMMIT|MEM_RESERVE"},
        {"VirtualAlloc", "flProtect", 0x40, "PAGE_EXECUTE_READWRITE"},
        {"SendMessageW", "Msg", 0xf, "WM_PAINT"},
        {"ShowWindow", "nCmdShow", 5, "SW_SHOW"},
        {"WaitForSingleObject", "dwMilliseconds", 0xffffffff, "INFINITE"},
        {"GetStdHandle", "nStdHandle", 0xfffffff5, "STD_OUTPUT_HANDLE"},
        {"LoadLibraryExW", "dwFlags", 0x800, "LOAD_LIBRARY_SEARCH_SYSTEM32"},
        {"CreateProcessW", "dwCreationFlags", 0x404, "CREATE_SUSPENDED|CREATE_UNICODE_ENVIRONMENT"},
        {"socket", "af", 2, "AF_INET"},
    };
    struct api_table t = builtin();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[256];
        struct api_function f = find(&t, rows[i].function, 8);
        int arg = api_arg_index(&t, &f, rows[i].arg);
        expect_row(i, arg >= 0);
        size_t n = api_value_text(&t, api_arg(&t, &f, (unsigned)arg).group, rows[i].value, text,
                                  sizeof text);
        assert_string_equal(text, rows[i].text);
        expect_row(i, n == strlen(text));
    }
}

static void names_that_do_not_fit_become_digits(void **state)
{
    struct api_table t = builtin();
    struct api_function f = find(&t, "CreateFileW", 8);
    for (uint64_t value = 0; value < 1ull << 33; value = value * 2 + 3) {
        for (size_t size = 24; size < 80; size++) {
            char text[80];
            memset(text, 'x', sizeof text);
            size_t n = api_value_text(&t, api_arg(&t, &f, 5).group, value, text, size);
            assert_true(n < size && !text[n] && strlen(text) == n && n > 0);
        }
    }
}

/* The macros that choose between A and W rename parameters and fields too. */
static void names_are_those_that_headers_write(void **state)
{
    struct api_table t = builtin();
    struct api_function f = find(&t, "FindFileInPath", 8);
    assert_true(api_arg_index(&t, &f, "SearchPath") == 1);
    for (size_t i = 0; i < api_function_count(&t); i++) {
        f = api_function_at(&t, i);
        for (unsigned k = 0; k < f.count; k++)
            assert_string_not_equal(api_arg(&t, &f, k).name, "SearchPathA");
    }
}

static void functions_have_the_category_that_they_are_known_for(void **state)
{
    static const struct {
        const char *category, *functions;
    } rows[] = {
        {"file_io",
         "CreateFileW ReadFile WriteFile FindFirstFileW GetFullPathNameW DeleteFileA fopen "
         "_open CreateNamedPipeW DeviceIoControl PathCombineW NtCreateFile ZwReadFile"},
        {"console_io", "WriteConsoleW GetStdHandle SetConsoleMode printf puts _getch AllocConsole"},
        {"memory",
         "VirtualAlloc HeapAlloc GlobalLock CreateFileMappingW MapViewOfFile malloc free "
         "WriteProcessMemory RtlAllocateHeap memcpy CoTaskMemFree NtProtectVirtualMemory"},
        {"threading", "CreateThread CreateRemoteThread TlsGetValue ResumeThread GetCurrentThreadId "
                      "_beginthreadex CreateThreadpoolWork SetThreadContext QueueUserAPC"},
        {"synchronization", "CreateMutexW WaitForSingleObject EnterCriticalSection SetEvent "
                            "AcquireSRWLockExclusive InitOnceExecuteOnce WakeAllConditionVariable"},
        {"environment",
         "GetEnvironmentVariableW GetCommandLineW GetVersionExW GetSystemInfo getenv "
         "GetComputerNameW GetUserNameA SHGetFolderPathW GetSystemDirectoryW"},
        {"process", "CreateProcessW ExitProcess OpenProcessToken ShellExecuteExW CloseHandle exit "
                    "CreateToolhelp32Snapshot AdjustTokenPrivileges StartServiceW system"},
        {"registry", "RegOpenKeyExW RegQueryValueExA RegSetValueExW SHGetValueW NtOpenKey "
                     "GetPrivateProfileStringW"},
        {"dll", "LoadLibraryA GetProcAddress GetModuleHandleW LdrLoadDll FindResourceW FreeLibrary "
                "GetFileVersionInfoW"},
        {"network", "socket connect WSAStartup InternetOpenUrlA WinHttpOpen DnsQuery_W getaddrinfo "
                    "URLDownloadToFileW"},
        {"crypto", "CryptAcquireContextW BCryptGenRandom CertOpenStore CryptProtectData "
                   "SystemFunction036 ProcessPrng"},
        {"exception", "RaiseException SetUnhandledExceptionFilter IsDebuggerPresent RtlUnwindEx "
                      "GetLastError _CxxThrowException OutputDebugStringW abort"},
        {"time",
         "GetSystemTimeAsFileTime Sleep QueryPerformanceCounter GetTickCount64 time _time64 "
         "FileTimeToSystemTime"},
        {"ui",
         "MessageBoxW CreateWindowExW SendMessageA BitBlt GdipCreateFromHDC NtUserGetMessage"},
        {"unknown", "strlen qsort sprintf _snwprintf pow CoCreateInstance"},
    };
    struct api_table t = builtin();
    unsigned seen = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char list[512], *rest = NULL;
        snprintf(list, sizeof list, "%s", rows[i].functions);
        for (char *n = strtok_r(list, " ", &rest); n; n = strtok_r(NULL, " ", &rest), seen++) {
            struct api_function f = find(&t, n, 8);
            if (strcmp(api_category_name(&t, f.category), rows[i].category))
                fail_msg("%s is %s", n, api_category_name(&t, f.category));
        }
    }
    assert_true(seen > 100);
    assert_null(api_category_name(&t, 255));
}

static void results_tell_of_failure(void **state)
{
    static const struct {
        const char *name;
        unsigned bitness;
        enum api_outcome outcome;
        uint64_t failed, good;
    } rows[] = {
        {"ReadFile", 8, API_ZERO_FAILS, 0xffffffff00000000, 1},
        {"OpenProcess", 8, API_ZERO_FAILS, 0, 0x44},
        {"CreateFileW", 8, API_MINUS_ONE_FAILS, UINT64_MAX, UINT32_MAX},
        {"CreateFileW", 4, API_MINUS_ONE_FAILS, UINT32_MAX, 0x44},
        {"FindFirstFileA", 8, API_MINUS_ONE_FAILS, UINT64_MAX, 0},
        {"GetFileAttributesW", 8, API_MINUS_ONE_FAILS, UINT32_MAX, 0x20},
        {"WaitForSingleObject", 8, API_MINUS_ONE_FAILS, UINT32_MAX, 258},
        {"socket", 8, API_MINUS_ONE_FAILS, UINT64_MAX, 0x60},
        {"recv", 8, API_MINUS_ONE_FAILS, UINT32_MAX, 0},
        {"CreateMutexW", 8, API_ZERO_FAILS, 0, 8},
        {"LoadLibraryW", 8, API_ZERO_FAILS, 0, 0x10000},
        {"GetModuleFileNameW", 8, API_ZERO_FAILS, 0, 20},
        {"RegOpenKeyExW", 8, API_IS_WINERROR, 2, 0},
        {"RegCloseKey", 4, API_IS_WINERROR, 6, 0},
        {"GetAdaptersInfo", 8, API_IS_WINERROR, 111, 0},
        {"WSAStartup", 8, API_IS_WINERROR, 10092, 0},
        {"CoCreateInstance", 8, API_IS_HRESULT, 0x80040154, 1},
        {"NtClose", 8, API_IS_NTSTATUS, 0xc0000008, 0x102},
        {"LdrLoadDll", 4, API_IS_NTSTATUS, 0xc0000135, 0},
        {"fopen_s", 8, API_IS_ERRNO, 2, 0},
        {"fopen", 8, API_ZERO_FAILS_ERRNO, 0, 0x1000},
        {"_open", 8, API_MINUS_ONE_FAILS_ERRNO, UINT32_MAX, 3},
        {"GetTickCount", 8, API_TELLS_NOTHING, UINT64_MAX - 1, 0},
        {"IsDebuggerPresent", 8, API_TELLS_NOTHING, UINT64_MAX - 1, 0},
        {"Sleep", 8, API_TELLS_NOTHING, UINT64_MAX - 1, 0},
        {"GetMessageW", 8, API_TELLS_NOTHING, UINT64_MAX - 1, 0},
    };
    struct api_table t = builtin();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct api_function f = find(&t, rows[i].name, rows[i].bitness);
        if (f.outcome != rows[i].outcome)
            fail_msg("%s has outcome %u", rows[i].name, f.outcome);
        bool tells = rows[i].outcome != API_TELLS_NOTHING;
        expect_row(i, api_failed(&t, &f, rows[i].failed, rows[i].bitness) == tells);
        expect_row(i, !api_failed(&t, &f, rows[i].good, rows[i].bitness));
    }
    struct api_function f = find(&t, "RegOpenKeyExW", 8);
    assert_int_equal(f.result_group, api_group_by_name(&t, "ERROR"));
    assert_int_equal(api_group_by_name(&t, "no such group"), 0);
    char text[64];
    f = find(&t, "CoCreateInstance", 8);
    api_value_text(&t, f.result_group, 0x80040154, text, sizeof text);
    assert_string_equal(text, "REGDB_E_CLASSNOTREG");
}

static void the_table_says_where_it_is_from_and_is_whole(void **state)
{
    struct api_table t = builtin();
    struct pgr_error e = {0};
    assert_int_equal(api_check(&t, &e), PGR_OK);
    assert_ptr_equal(strstr(api_source(&t), "mingw-w64 "), api_source(&t));
}

/* Every function of api.h on every row. */
static void visit_all(const struct api_table *t)
{
    char text[64];
    for (size_t i = 0; i < api_function_count(t); i++) {
        struct api_function f = api_function_at(t, i);
        for (unsigned k = 0; k < f.count; k++) {
            struct api_arg a = api_arg(t, &f, k);
            struct api_type y = api_type(t, a.type);
            for (unsigned n = 0; n < y.count; n++)
                assert_non_null(api_field(t, &y, n).name);
            api_value_text(t, a.group, 0x1234567, text, sizeof text);
            assert_non_null(api_kind_name(y.kind));
        }
    }
}

static void a_damaged_table_is_refused_or_harmless(void **state)
{
    struct api_table whole = builtin(), t;
    uint8_t *copy = xmemdup(whole.at, whole.size);
    size_t refused = 0, tried = 0;
    srand(1);
    for (size_t len = 0; len < whole.size; len = len * 3 + 1)
        assert_int_equal(api_open(&t, copy, len, NULL), PGR_E_FORMAT);
    for (tried = 0; tried < 300; tried++) {
        size_t at = tried < 80 ? tried : (size_t)rand() % whole.size;
        uint8_t was = copy[at];
        copy[at] = (uint8_t)rand();
        if (copy[at] == was)
            copy[at] ^= 0x80;
        if (api_open(&t, copy, whole.size, NULL) || api_check(&t, NULL))
            refused++;
        else if (tried % 16 == 0)
            visit_all(&t);
        copy[at] = was;
    }
    assert_true(refused > 60); /* each byte of the head counts */
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_functions_have_their_full_prototype),
        cmocka_unit_test(each_name_is_found_and_no_other),
        cmocka_unit_test(another_name_of_a_function_is_said_to_be_one),
        cmocka_unit_test(what_differs_by_bitness_is_found_by_it),
        cmocka_unit_test(arguments_lie_where_the_abi_puts_them),
        cmocka_unit_test(large_structures_are_passed_by_address_on_x64),
        cmocka_unit_test(stdcall_functions_pop_their_arguments),
        cmocka_unit_test(structures_have_fields_at_offsets_of_both_bitnesses),
        cmocka_unit_test(types_have_the_kind_that_their_names_mean),
        cmocka_unit_test(values_are_written_by_name),
        cmocka_unit_test(names_that_do_not_fit_become_digits),
        cmocka_unit_test(names_are_those_that_headers_write),
        cmocka_unit_test(functions_have_the_category_that_they_are_known_for),
        cmocka_unit_test(results_tell_of_failure),
        cmocka_unit_test(the_table_says_where_it_is_from_and_is_whole),
        cmocka_unit_test(a_damaged_table_is_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
