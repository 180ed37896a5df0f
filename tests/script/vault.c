// SPDX-License-Identifier: GPL-2.0-or-later
// A DLL that hides strings.
#include <windows.h>

static char text[64];

__declspec(dllexport) const char *decrypt(const unsigned char *hidden, int n)
{
    for (int i = 0; i < n && i < 63; i++)
        text[i] = (char)(hidden[i] ^ 0x5a ^ i);
    text[n < 63 ? n : 63] = 0;
    return text;
}

__declspec(dllexport) double blend(double a, float b, int c)
{
    return a + b + c;
}
