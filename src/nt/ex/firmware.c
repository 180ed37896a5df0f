// SPDX-License-Identifier: GPL-2.0-or-later
/* SystemFirmwareTableInformation: a small SMBIOS table; ACPI and raw firmware are empty. */
#include "nt/ex/sysinfo.h"

enum { PROVIDER_ACPI = 0x41435049, PROVIDER_FIRM = 0x4649524d, PROVIDER_RSMB = 0x52534d42 };
enum { FIRMWARE_ENUMERATE, FIRMWARE_GET, REQUEST_SIZE = 16 };

/* A structure's fixed part (its length byte is set here), then its strings. */
static void structure(struct blob *b, uint8_t type, const uint8_t *fixed, size_t len,
                      const char *const *strings)
{
    static uint16_t const no_handle = 0;
    uint8_t head[2] = {type, (uint8_t)(len + 4)};
    uint16_t handle = (uint16_t)(no_handle + type);
    blob_put(b, head, sizeof head);
    blob_put(b, &handle, sizeof handle);
    blob_put(b, fixed, len);
    for (size_t i = 0; strings[i]; i++)
        blob_put(b, strings[i], strlen(strings[i]) + 1);
    blob_put(b, NULL, strings[0] ? 1 : 2);
}

static void smbios(struct blob *b)
{
    static const uint8_t bios[20] = {1, 2, 0, 0xe0, 3, 0};
    static const char *const bios_text[] = {"Peregrine", "1.0", "01/01/2024", NULL};
    /* manufacturer, product, version, serial, UUID, wake-up: power switch, SKU, family */
    static const uint8_t machine[23] = {1,    2,    3,    0,    0x50, 0x47, 0x52, 0x00,
                                        0x01, 0x00, 0x00, 0x40, 0x80, 0x00, 0x00, 0x00,
                                        0x00, 0x00, 0x00, 0x01, 6,    0,    0};
    static const char *const machine_text[] = {"Peregrine", "Virtual Machine", "1.0", NULL};
    static const uint8_t chassis[9] = {1, 1, 0, 0, 0, 3, 3, 3, 2};
    static const char *const chassis_text[] = {"Peregrine", NULL};
    static const char *const nothing[] = {NULL};
    static const uint8_t header[4] = {0, 2, 4, 0}; /* calling method, SMBIOS 2.4, revision */
    blob_put(b, header, sizeof header);
    size_t length_at = blob_u32(b, 0), from = b->b.len;
    structure(b, 0, bios, sizeof bios, bios_text);
    structure(b, 1, machine, sizeof machine, machine_text);
    structure(b, 3, chassis, sizeof chassis, chassis_text);
    structure(b, 127, NULL, 0, nothing);
    blob_patch_u32(b, length_at, (uint32_t)(b->b.len - from));
}

static ntstatus table(struct blob *b, uint32_t provider, uint32_t action, uint32_t id)
{
    switch (provider) {
    case PROVIDER_RSMB:
        if (action == FIRMWARE_ENUMERATE) {
            blob_u32(b, 0);
            return STATUS_SUCCESS;
        }
        if (id)
            return STATUS_INVALID_PARAMETER; /* there is one table */
        smbios(b);
        return STATUS_SUCCESS;
    case PROVIDER_ACPI:
    case PROVIDER_FIRM:
        return action == FIRMWARE_ENUMERATE ? STATUS_SUCCESS : STATUS_NOT_FOUND;
    default:
        return STATUS_NOT_IMPLEMENTED;
    }
}

ntstatus sysinfo_firmware(struct nt_call *c, uint64_t buffer, uint32_t length, uint64_t returned)
{
    uint32_t request[4];
    if (length < REQUEST_SIZE) {
        ntstatus s = returned ? nt_put_u32(c, returned, REQUEST_SIZE) : STATUS_SUCCESS;
        return s ? s : STATUS_INFO_LENGTH_MISMATCH;
    }
    ntstatus s = nt_read(c, buffer, request, sizeof request);
    if (s)
        return s;
    if (request[1] > FIRMWARE_GET)
        return STATUS_NOT_IMPLEMENTED;
    struct blob b = blob_begin(c, buffer + REQUEST_SIZE);
    s = table(&b, request[0], request[1], request[2]);
    if (s) {
        ntstatus r = returned ? nt_put_u32(c, returned, 0) : STATUS_SUCCESS;
        blob_free(&b);
        return r ? r : s;
    }
    uint32_t need = (uint32_t)b.b.len;
    s = nt_put_u32(c, buffer + 12, need);
    if (!s && returned)
        s = nt_put_u32(c, returned, need + REQUEST_SIZE);
    if (!s)
        s = length - REQUEST_SIZE < need ? STATUS_BUFFER_TOO_SMALL
                                         : nt_write(c, b.va, b.b.data, need);
    blob_free(&b);
    return s;
}
