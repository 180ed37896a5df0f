// SPDX-License-Identifier: GPL-2.0-or-later
// C++ exceptions: destructors run in order, nested and rethrown, across frames, threads and types.
#include "check.h"

#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <vector>

static std::string trail;

struct Mark {
    char name;
    explicit Mark(char n) : name(n)
    {
        trail += n;
    }
    ~Mark()
    {
        trail += static_cast<char>(name - 'a' + 'A');
    }
};

struct Base {
    virtual ~Base()
    {
    }
    virtual int value() const
    {
        return 1;
    }
};
struct Derived : Base {
    int value() const override
    {
        return 2;
    }
};

static void deep(int n)
{
    Mark mark(static_cast<char>('a' + n));
    if (n == 3)
        throw std::runtime_error("bottom");
    deep(n + 1);
    trail += "never";
}

static void destructors_run_from_the_inside()
{
    trail.clear();
    try {
        deep(0);
        CHECK(!"reached");
    } catch (const std::exception &e) {
        CHECK_STR(e.what(), "bottom");
    }
    CHECK_STR(trail.c_str(), "abcdDCBA");
}

static void nested_and_rethrown()
{
    trail.clear();
    try {
        Mark a('a');
        try {
            Mark b('b');
            throw 7;
        } catch (int n) {
            CHECK_EQ(n, 7);
            Mark c('c');
            try {
                throw std::string("inner");
            } catch (const std::string &s) {
                CHECK_STR(s.c_str(), "inner");
            }
            throw;
        }
    } catch (int n) {
        CHECK_EQ(n, 7);
    }
    CHECK_STR(trail.c_str(), "abBcCA");
}

static void types_choose_the_handler()
{
    int caught = 0;
    try {
        throw Derived();
    } catch (const Base &b) {
        caught = b.value();
    }
    CHECK_EQ(caught, 2);
    try {
        throw 'c';
    } catch (int) {
        caught = 10;
    } catch (...) {
        caught = 11;
    }
    CHECK_EQ(caught, 11);
    try {
        static int target;
        throw &target;
    } catch (const int *p) {
        CHECK(p != nullptr);
        caught = 12;
    }
    CHECK_EQ(caught, 12);
}

static void the_library_throws()
{
    std::vector<int> v(3);
    try {
        v.at(3) = 1;
        CHECK(!"reached");
    } catch (const std::out_of_range &) {
        CHECK(true);
    }
    try {
        std::string s(static_cast<size_t>(-1) / 2, 'x');
        CHECK(!"reached");
    } catch (const std::exception &) {
        CHECK(true);
    }
    Base plain, *p = &plain;
    CHECK(dynamic_cast<Derived *>(p) == nullptr);
    try {
        (void)dynamic_cast<Derived &>(*p);
        CHECK(!"reached");
    } catch (const std::bad_cast &) {
        CHECK(true);
    }
}

struct Half {
    Mark first;
    std::unique_ptr<Mark> second;
    Half() : first('p'), second(new Mark('q'))
    {
        throw 1;
    }
    ~Half()
    {
        trail += "never";
    }
};

static void constructors_undo_what_they_made()
{
    trail.clear();
    try {
        Half half;
    } catch (int) {
    }
    CHECK_STR(trail.c_str(), "pqQP");
}

static void pointers_carry_exceptions()
{
    std::exception_ptr kept;
    try {
        throw std::logic_error("kept");
    } catch (...) {
        kept = std::current_exception();
    }
    try {
        std::rethrow_exception(kept);
    } catch (const std::logic_error &e) {
        CHECK_STR(e.what(), "kept");
    }
    try {
        try {
            throw 1;
        } catch (...) {
            std::throw_with_nested(std::runtime_error("outer"));
        }
    } catch (const std::exception &e) {
        try {
            std::rethrow_if_nested(e);
            CHECK(!"reached");
        } catch (int n) {
            CHECK_EQ(n, 1);
        }
    }
}

static DWORD WINAPI throws_in_thread(void *arg)
{
    int sum = 0;
    for (int i = 0; i < 50; i++) {
        try {
            if (i % 2)
                throw i;
            throw std::to_string(i);
        } catch (int n) {
            sum += n;
        } catch (const std::string &s) {
            sum += atoi(s.c_str());
        }
    }
    *static_cast<int *>(arg) = sum;
    return 0;
}

static void threads_throw_at_the_same_time()
{
    int sums[4] = {};
    HANDLE threads[4];
    for (int i = 0; i < 4; i++)
        threads[i] = CreateThread(nullptr, 0, throws_in_thread, &sums[i], 0, nullptr);
    CHECK_EQ(WaitForMultipleObjects(4, threads, TRUE, 60000), 0);
    for (int sum : sums)
        CHECK_EQ(sum, 49 * 50 / 2);
}

static int throw_through(const void *, const void *)
{
    throw std::runtime_error("through");
}

static void callbacks_throw()
{
    int (*volatile call)(const void *, const void *) = throw_through;
    try {
        Mark a('a');
        call(nullptr, nullptr);
        CHECK(!"reached");
    } catch (const std::runtime_error &e) {
        CHECK_STR(e.what(), "through");
    }
    int caught = 0;
    for (int i = 0; i < 1000; i++) {
        try {
            throw i;
        } catch (int n) {
            caught += n == i;
        }
    }
    CHECK_EQ(caught, 1000);
}

struct Early {
    Early()
    {
        try {
            throw 5;
        } catch (int n) {
            seen = n;
        }
    }
    static int seen;
};
int Early::seen;
static Early early;

int main()
{
    CHECK_EQ(Early::seen, 5);
    destructors_run_from_the_inside();
    nested_and_rethrown();
    types_choose_the_handler();
    the_library_throws();
    constructors_undo_what_they_made();
    pointers_carry_exceptions();
    threads_throw_at_the_same_time();
    callbacks_throw();
    return check_done();
}
