-- SPDX-License-Identifier: GPL-2.0-or-later
-- What code does a program unpack? Prints memory that is executed and was not in the program's file,
-- when it is executed first, and again when it was written to in between.
--
--   peregrine run --script unpack-dump.lua packed.exe
--   peregrine run --script unpack-dump.lua --script-arg only=2 --script-output 2.txt packed.exe
--   xxd -r 2.txt code.bin           the second one as a file
--
-- Works on every engine, without looking at instructions: memory that the program makes executable
-- is writable first and not executable. The fault when it is executed is the moment to dump it. Then
-- it is executable and not writable, until the next fault says that it is written to. The program
-- sees nothing of that unless it asks with VirtualQuery, or has services of the kernel (ReadFile...)
-- write to code that it has executed.
--
-- Seen are memory of VirtualAlloc that is executable or becomes so, and parts of the program's files
-- that are writable and executable at once, from the beginning or by VirtualProtect.

local mem = pgr.mem
local PAGE, LAYERS = 4096, 16
local EXECUTABLE, WRITABLE = 0xf0, 0xc0
local pages = {} -- by number: {guest = protection that the program knows, fresh =, layer =}

local function each_page(at, size, f)
    for page = at >> 12, (at + size - 1) >> 12 do f(page) end
end

local function forget(at, size)
    each_page(at, size, function(page) pages[page] = nil end)
end

local function watch(at, size, guest)
    each_page(at, size, function(page)
        local layer = pages[page] and pages[page].layer or 0
        pages[page] = {guest = guest, fresh = true, layer = layer}
    end)
    mem.protect(at, size, guest & WRITABLE ~= 0 and "rw" or "r")
end

-- What the program asks the kernel for, of its own memory.
local function asked(c, size, protection)
    local at = mem.ptr[c.args.BaseAddress]
    local private = not pgr.module(at)
    if protection & EXECUTABLE ~= 0 and (private or protection & WRITABLE ~= 0) then
        watch(at, size, protection)
    else
        forget(at, size)
    end
end

local function own(c)
    return c.result == 0 and c.args.ProcessHandle == (pgr.pointer_size == 8 and -1 or 0xffffffff)
end

pgr.on_call("nt!NtAllocateVirtualMemory", {exit = function(c)
    if own(c) and c.args.AllocationType & 0x1000 ~= 0 then -- MEM_COMMIT
        asked(c, mem.ptr[c.args.RegionSize], c.args.PageProtection)
    end
end})

pgr.on_call("nt!NtProtectVirtualMemory", {exit = function(c)
    local page = own(c) and pages[mem.ptr[c.args.BaseAddress] >> 12]
    if page then mem.u32[c.args.OldProtection] = page.guest end
    if own(c) then asked(c, mem.ptr[c.args.RegionSize], c.args.NewProtection) end
end})

-- Sections of files that are both from the beginning.
local function module(at, size, path)
    forget(at, size)
    if not path or path:lower():match("^c:\\windows\\") then return end
    local header = at + mem.u32[at + 0x3c]
    local section = header + 0x18 + mem.u16[header + 0x14]
    for i = 0, mem.u16[header + 6] - 1 do
        local length, first = string.unpack("<I4I4", mem.read(section + i * 40 + 8, 8))
        local flags = mem.u32[section + i * 40 + 36]
        if flags & 0xa0000000 == 0xa0000000 and length > 0 then watch(at + first, length, 0x80) end
    end
end

pgr.on("process-start", function()
    for _, m in ipairs(pgr.modules()) do module(m.base, m.size, m.path) end
    pgr.on("module-load", function(e) module(e.address, e.size, e.path) end)
end)

local count = 0
local function dump(at, size, e, layer)
    count = count + 1
    local only = tonumber(pgr.args.only)
    if not only then
        print(string.format("%d: 0x%x bytes at 0x%x, entered at 0x%x, layer %d", count, size, at,
                            e.address, layer))
    end
    if only and only ~= count then return end
    local zeroes = ("\0"):rep(16)
    for offset = 0, size - 1, 16 do
        local line = mem.read(at + offset, 16)
        if line ~= zeroes then
            print(string.format("%08x: " .. ("%02x"):rep(16, " "), offset, line:byte(1, 16)))
        end
    end
end

local function fresh(page)
    return pages[page] and pages[page].fresh
end

-- With what lies around it and was not executed yet, either.
pgr.on("fetch-protected", function(e)
    local page = e.address >> 12
    if not fresh(page) then return end
    local first, last = page, page
    while fresh(first - 1) do first = first - 1 end
    while fresh(last + 1) do last = last + 1 end
    for i = first, last do
        pages[i].fresh = false
        pages[i].layer = pages[i].layer + 1
    end
    local at, size = first * PAGE, (last - first + 1) * PAGE
    mem.protect(at, size, "rx")
    dump(at, size, e, pages[page].layer)
    return true
end)

-- Code that writes to its own page has to be both at once; what is written too often, too.
pgr.on("write-protected", function(e)
    local number = e.address >> 12
    local page = pages[number]
    if not page or page.guest & WRITABLE == 0 then return end
    if e.ip >> 12 == number or (e.ip + 15) >> 12 == number or page.layer >= LAYERS then
        mem.protect(number * PAGE, PAGE, "rwx")
        return true
    end
    page.fresh = true
    mem.protect(number * PAGE, PAGE, "rw")
    return true
end)
