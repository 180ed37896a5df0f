// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/cm/registry.h"
#include "nt/ex/sysinfo.h"

#define FIELDS_SYSTEM_TIMEOFDAY_INFORMATION(F, S)                                                  \
    F(S, U64, BootTime, 1)                                                                         \
    F(S, U64, CurrentTime, 1)                                                                      \
    F(S, U64, TimeZoneBias, 1)                                                                     \
    F(S, U32, TimeZoneId, 1)                                                                       \
    F(S, U32, Reserved, 1) F(S, U64, BootTimeBias, 1) F(S, U64, SleepTimeBias, 1)
LAYOUT_STRUCT(SYSTEM_TIMEOFDAY_INFORMATION);

/* RTL_DYNAMIC_TIME_ZONE_INFORMATION, whose beginning is RTL_TIME_ZONE_INFORMATION. */
struct zone {
    int32_t bias; /* minutes to add to local time for UTC */
    uint16_t standard_name[32];
    uint16_t standard_date[8];
    int32_t standard_bias;
    uint16_t daylight_name[32];
    uint16_t daylight_date[8];
    int32_t daylight_bias;
    uint16_t key_name[128];
    uint8_t disabled;
};
enum { ZONE_SIZE = 172, DYNAMIC_ZONE_SIZE = 432 };

static void copy_text(uint16_t *out, size_t size, const uint16_t *text, size_t bytes)
{
    size_t n = MIN(bytes / 2, size - 1);
    for (size_t i = 0; i < n && text[i]; i++)
        out[i] = text[i];
}

/* A name of 32 units from the first of the zone's two values that exists. */
static void copy_name(struct nt_kernel *k, uint16_t *out, const char *path, const char *value,
                      const char *other_value)
{
    enum { UNITS = 32 };
    size_t len;
    const uint16_t *text = nt_registry_get(k, path, value, NULL, &len);
    if (!text)
        text = nt_registry_get(k, path, other_value, NULL, &len);
    if (!text)
        return;
    memset(out, 0, UNITS * sizeof *out);
    copy_text(out, UNITS, text, len);
}

/* The zone that the registry names, as the registry describes it; UTC when it does not. Names are
 * given as Windows gives them, "@tzres.dll,-932", where the zone has them so: libraries that find
 * MUI_Std there look it up in the user's language, and show what is here when they do not. */
static void read_zone(struct nt_kernel *k, struct zone *z)
{
    static const char control[] = "HKLM\\System\\CurrentControlSet\\Control\\TimeZoneInformation";
    static const uint16_t utc[] = u"Coordinated Universal Time";
    size_t len;
    *z = (struct zone){0};
    copy_text(z->standard_name, ARRAY_LEN(z->standard_name), utc, sizeof utc);
    copy_text(z->daylight_name, ARRAY_LEN(z->daylight_name), utc, sizeof utc);
    const uint16_t *key = nt_registry_get(k, control, "TimeZoneKeyName", NULL, &len);
    if (key)
        copy_text(z->key_name, ARRAY_LEN(z->key_name), key, len);
    char *name = nt_registry_get_text(k, control, "TimeZoneKeyName");
    if (!name)
        return;
    char *path =
        xasprintf("HKLM\\Software\\Microsoft\\Windows NT\\CurrentVersion\\Time Zones\\%s", name);
    const uint8_t *tzi = nt_registry_get(k, path, "TZI", NULL, &len);
    if (tzi && len == 44) {
        memcpy(&z->bias, tzi, 4);
        memcpy(&z->standard_bias, tzi + 4, 4);
        memcpy(&z->daylight_bias, tzi + 8, 4);
        memcpy(z->standard_date, tzi + 12, 16);
        memcpy(z->daylight_date, tzi + 28, 16);
        copy_name(k, z->standard_name, path, "MUI_Std", "Std");
        copy_name(k, z->daylight_name, path, "MUI_Dlt", "Dlt");
    }
    free(path);
    free(name);
}

ntstatus sysinfo_time_zone(struct nt_call *c, struct blob *b)
{
    struct zone z;
    read_zone(c->k, &z);
    blob_put(b, &z, ZONE_SIZE);
    return STATUS_SUCCESS;
}

ntstatus sysinfo_dynamic_time_zone(struct nt_call *c, struct blob *b)
{
    _Static_assert(sizeof(struct zone) == DYNAMIC_ZONE_SIZE, "as in winnt.h");
    struct zone z;
    read_zone(c->k, &z);
    blob_put(b, &z, sizeof z);
    return STATUS_SUCCESS;
}

/* Gives as much as is asked for, even nothing; only too much is an error. */
ntstatus sysinfo_time_of_day(struct nt_call *c, uint64_t buffer, uint32_t length, uint64_t returned)
{
    struct zone z;
    read_zone(c->k, &z);
    struct SYSTEM_TIMEOFDAY_INFORMATION info = {
        .BootTime = nt_system_time(c->k) - nt_uptime(c->k),
        .CurrentTime = nt_system_time(c->k),
        .TimeZoneBias = (uint64_t)((int64_t)z.bias * 60 * 10000000),
    };
    if (length > sizeof info) {
        ntstatus r = returned ? nt_put_u32(c, returned, sizeof info) : STATUS_SUCCESS;
        return r ? r : STATUS_INFO_LENGTH_MISMATCH;
    }
    ntstatus s = nt_write(c, buffer, &info, length);
    return s || !returned ? s : nt_put_u32(c, returned, length);
}
