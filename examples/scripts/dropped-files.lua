-- SPDX-License-Identifier: GPL-2.0-or-later
-- Which files does a program leave behind? Prints each file that is written to, with the number of
-- bytes and the CRC-32 of what was written, when it is closed or at the end of the run.
--
--   peregrine run --script dropped-files.lua program.exe
--   peregrine run --script dropped-files.lua --script-arg json=yes program.exe
--
-- Hooks the services below CreateFile, fopen and all others, so that nothing escapes. The CRC is that
-- of the bytes in the order in which they were written; who writes here and there in a file has
-- another one than the file.

local mem = pgr.mem
local open = {} -- by handle: {name, bytes, crc}
local names = {} -- handles of files that nothing was written to yet

local crc_table = {}
for i = 0, 255 do
    local c = i
    for _ = 1, 8 do c = (c & 1 == 1) and (0xedb88320 ~ (c >> 1)) or (c >> 1) end
    crc_table[i] = c
end

local function crc32(crc, data)
    for i = 1, #data do
        crc = crc_table[(crc ~ data:byte(i)) & 0xff] ~ (crc >> 8)
    end
    return crc
end

-- UNICODE_STRING in OBJECT_ATTRIBUTES; a name below an open directory is relative to that.
local function object_name(attributes)
    local size = pgr.pointer_size
    local directory, text = mem.ptr[attributes + size], mem.ptr[attributes + 2 * size]
    if text == 0 then return names[directory] or "?" end
    local name = mem.wstring(mem.ptr[text + size], mem.u16[text] // 2) or ""
    if directory ~= 0 then name = (names[directory] or "?") .. "\\" .. name end
    return (name:gsub("^\\%?%?\\", ""))
end

local function say(file)
    local crc = string.format("%08x", file.crc ~ 0xffffffff)
    if pgr.args.json then
        print(pgr.json.encode({name = file.name, bytes = file.bytes, crc32 = crc}))
    else
        print(string.format("dropped %s: %d bytes, CRC-32 %s", file.name, file.bytes, crc))
    end
end

local function opened(c)
    if c.result == 0 then
        names[mem.ptr[c.args.FileHandle]] = object_name(c.args.ObjectAttributes)
    end
end
pgr.on_call("nt!NtCreateFile", {exit = opened})
pgr.on_call("nt!NtOpenFile", {exit = opened})

pgr.on_call("nt!NtWriteFile", {exit = function(c)
    local handle = c.args.FileHandle
    local name = names[handle]
    if c.result >= 0x80000000 or not name or c.args.Length == 0 then return end
    local file = open[handle] or {name = name, bytes = 0, crc = 0xffffffff}
    open[handle] = file
    file.bytes = file.bytes + c.args.Length
    file.crc = crc32(file.crc, mem.read(c.args.Buffer, c.args.Length))
end})

pgr.on_call("nt!NtClose", {enter = function(c)
    local handle = c.args.Handle
    if open[handle] then say(open[handle]) end
    open[handle], names[handle] = nil, nil
end})

pgr.on_exit(function()
    local rest = {}
    for _, file in pairs(open) do rest[#rest + 1] = file end
    table.sort(rest, function(a, b) return a.name < b.name end)
    for _, file in ipairs(rest) do say(file) end
end)
