// SPDX-License-Identifier: GPL-2.0-or-later
// C++ exceptions while calls go on; `run` looks for the numbers in the trace.
#include "../guest/check.h"

#include <stdexcept>
#include <string>

static int mark(int n)
{
    int got = MulDiv(n, 1, 1);
    CHECK_EQ(got, n);
    return got;
}

/* Calls from a destructor that runs because of an exception. */
struct Mark {
    int number;
    ~Mark()
    {
        mark(number);
    }
};

static int caught_inside(const void *a, const void *b)
{
    try {
        Mark m{1101};
        throw std::runtime_error("inside");
    } catch (const std::exception &e) {
        CHECK_STR(e.what(), "inside");
        mark(1102);
    }
    return *static_cast<const int *>(a) - *static_cast<const int *>(b);
}

static int thrown_out(const void *a, const void *b)
{
    Mark m{1104};
    if (a != b)
        throw std::string("out");
    return 0;
}

static void inside_a_call()
{
    int v[] = {2, 1};
    qsort(v, 2, sizeof *v, caught_inside);
    CHECK_EQ(v[0], 1);
    mark(1103);
}

/* Only 64-bit exceptions find their way through frames of other modules. */
static void out_of_a_call()
{
#ifdef _WIN64
    int v[] = {2, 1};
    try {
        qsort(v, 2, sizeof *v, thrown_out);
        CHECK(0);
    } catch (const std::string &s) {
        CHECK_STR(s.c_str(), "out");
        mark(1105);
    }
#else
    try {
        thrown_out("", nullptr);
    } catch (const std::string &s) {
        CHECK_STR(s.c_str(), "out");
        mark(1105);
    }
#endif
    mark(1106);
}

static void rethrown()
{
    try {
        try {
            Mark m{1107};
            throw 7;
        } catch (int) {
            Mark m{1108};
            throw;
        }
    } catch (int n) {
        CHECK_EQ(n, 7);
    }
    mark(1109);
}

static DWORD WINAPI thread(void *)
{
    for (int i = 0; i < 20; i++) {
        inside_a_call();
        out_of_a_call();
    }
    mark(1110);
    return 0;
}

int main()
{
    inside_a_call();
    out_of_a_call();
    rethrown();
    HANDLE t[2];
    for (HANDLE &one : t)
        one = CreateThread(nullptr, 0, thread, nullptr, 0, nullptr);
    CHECK_EQ(WaitForMultipleObjects(2, t, TRUE, 60000), WAIT_OBJECT_0);
    mark(1111);
    return check_done();
}
