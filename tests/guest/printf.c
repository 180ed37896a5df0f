// SPDX-License-Identifier: GPL-2.0-or-later
// Formatted output and input, floating point and locales of the C runtime.
#include "check.h"

#include <float.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <wchar.h>

static char text[512];

#define FORMAT(want, ...)                                                                          \
    (_snprintf(text, sizeof(text), __VA_ARGS__), check_text(text, want, CHECK_AT, #__VA_ARGS__))

static void integers(void)
{
    FORMAT("42|-42|+42| 42", "%d|%d|%+d|% d", 42, -42, 42, 42);
    FORMAT("    7|7    |00007", "%5d|%-5d|%05d", 7, 7, 7);
    FORMAT("2147483647 -2147483648", "%d %d", INT_MAX, INT_MIN);
    FORMAT("4294967295 ffffffff FFFFFFFF 37777777777", "%u %x %X %o", ~0u, ~0u, ~0u, ~0u);
    FORMAT("0x1f 0X1F 017", "%#x %#X %#o", 31, 31, 15);
    FORMAT("9223372036854775807", "%I64d", LLONG_MAX);
    FORMAT("-9223372036854775808", "%I64d", LLONG_MIN);
    FORMAT("18446744073709551615", "%I64u", ULLONG_MAX);
    FORMAT("123456789abcdef0", "%I64x", 0x123456789abcdef0ULL);
    FORMAT("-1 255", "%hd %hu", (short)0xffff, (unsigned short)255);
    FORMAT("  -00042|", "%8.5d|", -42);
    FORMAT("   42|42   |", "%*d|%-*d|", 5, 42, 5, 42);
    FORMAT("A%", "%c%%", 'A');
}

static void strings(void)
{
    FORMAT("abc|  abc|abc  |ab", "%s|%5s|%-5s|%.2s", "abc", "abc", "abc", "abc");
    FORMAT("ab|", "%.*s|", 2, "abcdef");
    FORMAT("wide", "%ls", L"wide");
    wchar_t wide[32];
    swprintf(wide, 32, L"%ls-%d", L"w\x00e9", 7);
    CHECK(!wcscmp(wide, L"w\x00e9-7"));
#ifdef CHECK_UCRT
    CHECK_EQ(snprintf(text, 4, "%s", "abcdef"), 6);
    CHECK_STR(text, "abc");
#else
    CHECK_EQ(_snprintf(text, 4, "%s", "abcdef"), -1);
    CHECK_MEM(text, "abcd", 4);
#endif
}

static void floats(void)
{
    FORMAT("1.500000 -0.250000", "%f %f", 1.5, -0.25);
    FORMAT("3.14|3.1416|3", "%.2f|%.4f|%.0f", 3.14159265, 3.14159265, 3.14159265);
    FORMAT("1.5 0.0001 123457", "%g %g %g", 1.5, 1e-4, 123456.789);
    FORMAT("0.10000000000000001 0.30000000000000004", "%.17g %.17g", 0.1, 0.1 + 0.2);
    FORMAT("   +1.50|001.50|", "%+8.2f|%06.2f|", 1.5, 1.5);
#ifdef CHECK_UCRT
    FORMAT("1.000000e+100 1E-07", "%e %.0E", 1e100, 1e-7);
    FORMAT("1e-05 100000 1e+06", "%g %g %g", 1e-5, 1e5, 1e6);
    FORMAT("inf -inf nan", "%f %f %f", HUGE_VAL, -HUGE_VAL, fabs(nan("")));
    FORMAT("1.7976931348623157e+308", "%.17g", DBL_MAX);
    FORMAT("0x1.8000000000000p+1", "%a", 3.0);
#else
    FORMAT("1.000000e+100 1E-007", "%e %.0E", 1e100, 1e-7);
    FORMAT("1e-005 100000 1e+006", "%g %g %g", 1e-5, 1e5, 1e6);
    FORMAT("1.7976931348623157e+308", "%.17g", DBL_MAX);
#endif
}

static void reading(void)
{
    int a = 0, n = 0;
    unsigned b = 0;
    char word[16] = "", set[16] = "";
    double d = 0;
    CHECK_EQ(
        sscanf("12 ff hello 2.5e3 xyz9%n", "%d %x %15s %lf %[x-z]%n", &a, &b, word, &d, set, &n),
        5);
    CHECK_EQ(a, 12);
    CHECK_EQ(b, 255);
    CHECK_STR(word, "hello");
    CHECK(d == 2500.0);
    CHECK_STR(set, "xyz");
    CHECK_EQ(n, 21);
    CHECK_EQ(sscanf("", "%d", &a), EOF);
    CHECK_EQ(strtol("-0x7f", NULL, 16), -127);
    CHECK_EQ(strtoul("777", NULL, 8), 511);
    CHECK(strtod("  -1.25e-2x", NULL) == -0.0125);
    CHECK(strtod("1e400", NULL) == HUGE_VAL);
    CHECK_EQ(_strtoi64("-9223372036854775808", NULL, 10), LLONG_MIN);
    CHECK_EQ(atoi("  99 bottles"), 99);
}

/* i386 computes in 80 bits until the value is stored. */
static double stored(double d)
{
    volatile double memory = d;
    return memory;
}

static void arithmetic(void)
{
    volatile double two = 2.0, zero = 0.0, big = 1e308;
    volatile float third = 1.0f / 3.0f, whole = third * 3.0f;
    CHECK(stored(sqrt(two)) == 1.4142135623730951);
    CHECK(fabs(sin(two) - 0.9092974268256817) < 1e-15);
    CHECK(fabs(exp(two) - 7.38905609893065) < 1e-14);
    CHECK(fabs(pow(two, 0.5) - 1.4142135623730951) < 1e-15 && pow(two, 10) == 1024.0);
    CHECK(floor(-two - 0.5) == -3.0 && ceil(two + 0.5) == 3.0 && fmod(7.5, two) == 1.5);
    CHECK(whole == 1.0f);
    CHECK(isinf(stored(big * 10)) && isnan(zero / zero));
    CHECK((int)stored(-2.9) == -2 && (long long)(two * 1e15) == 2000000000000000LL);
    int e;
    CHECK(frexp(12.0, &e) == 0.75 && e == 4 && ldexp(0.75, 4) == 12.0);
}

static void locales(void)
{
    CHECK_STR(setlocale(LC_ALL, NULL), "C");
    CHECK_STR(localeconv()->decimal_point, ".");
    CHECK(setlocale(LC_ALL, "no such locale") == NULL);
    CHECK(setlocale(LC_ALL, "C") != NULL);
    CHECK(isalpha('a') && !isalpha('1') && toupper('z') == 'Z' && isspace('\t'));
    const char *german = setlocale(LC_NUMERIC, "German");
    if (german) {
        CHECK_STR(localeconv()->decimal_point, ",");
        FORMAT("1,5", "%g", 1.5);
        CHECK(strtod("2,5", NULL) == 2.5);
        setlocale(LC_NUMERIC, "C");
    }
    FORMAT("1.5", "%g", 1.5);
    CHECK(_stricmp("HeLLo", "hEllO") == 0 && strcoll("a", "b") < 0);
    char number[32];
    CHECK(GetLocaleInfoA(MAKELCID(MAKELANGID(LANG_GERMAN, SUBLANG_GERMAN), SORT_DEFAULT),
                         LOCALE_SDECIMAL | LOCALE_NOUSEROVERRIDE, number, sizeof(number)) == 2);
    CHECK_STR(number, ",");
}

static int ascending(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void library(void)
{
    int numbers[] = {5, -1, 9, 3, 3, 0}, key = 9;
    qsort(numbers, 6, sizeof(int), ascending);
    CHECK(numbers[0] == -1 && numbers[5] == 9 && numbers[2] == 3 && numbers[3] == 3);
    CHECK(bsearch(&key, numbers, 6, sizeof(int), ascending) == &numbers[5]);
    char parts[] = "a,b;;c";
    CHECK_STR(strtok(parts, ",;"), "a");
    CHECK_STR(strtok(NULL, ",;"), "b");
    CHECK_STR(strtok(NULL, ",;"), "c");
    CHECK(strtok(NULL, ",;") == NULL);
    CHECK(!memcmp(strrchr("a/b/c", '/'), "/c", 3) && strstr("needle in hay", "in hay"));
}

int main(void)
{
    integers();
    strings();
    floats();
    reading();
    arithmetic();
    locales();
    library();
    return check_done();
}
