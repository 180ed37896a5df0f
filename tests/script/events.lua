-- SPDX-License-Identifier: GPL-2.0-or-later
-- Every kind of event, around what events.c does.
local mem, wide = pgr.mem, nil
local checks = 0
local function check(what, ok)
    checks = checks + 1
    if not ok then error("not so: " .. what, 2) end
end
local function refused(text, f, ...)
    local ok, why = pcall(f, ...)
    check(text .. ", but " .. tostring(why), not ok and why:find(text, 1, true))
end
local function reg(name, v) -- as wide as the program
    name = (wide and "r" or "e") .. name
    if v then pgr.set_reg(name, v) else return pgr.reg(name) end
end
local function note(...) print("*", ...) end

-- What is refused.
refused("did you mean 'write-unmapped'?", pgr.on, "write-unmaped", print)
refused("there is no kind of hook 'nothing at all'", pgr.on, "nothing at all", print)
refused("string expected", pgr.on)
refused("table expected", pgr.on, "in")
refused("function expected", pgr.on, "in", {})
refused("function expected", pgr.on, "in", {}, 1)
refused("nothing comes behind", pgr.on, "in", print, {})
refused("but not 'where'", pgr.on, "in", {where = 1}, print)
refused("'at' is not a whole number", pgr.on, "in", {at = "x"}, print)
refused("'at' is not a whole number", pgr.on, "in", {at = 1.5}, print)
refused("which is no range", pgr.on, "in", {first = 2, last = 1}, print)
refused("at (and size)", pgr.on, "in", {at = 1, last = 2}, print)
refused("at (and size)", pgr.on, "in", {size = 2}, print)
refused("at (and size)", pgr.on, "in", {first = 1, last = 2, size = 2}, print)
refused("that size", pgr.on, "in", {at = 1, size = 0}, print)
refused("that size", pgr.on, "in", {at = -1, size = 2}, print)
refused("outside of handlers", pgr.reg, "rip")
refused("no program", mem.map, 0x10000, 1)
local three = {pgr.on("in", print), pgr.on("in", print), pgr.on("in", print)}
for _, i in ipairs({1, 3, 2}) do check("removed", three[i]:remove()) end
check("the last address", pgr.on("in", {at = -1, size = 1}, print):remove())

-- Memory.
local kept
pgr.on("read-unmapped", {at = 0x23000000, size = 0x1000}, function(e)
    note(e, e.access, e.size, e.value)
    refused("in the guest's memory", mem.map, -1, 1)
    refused("in the guest's memory", mem.map, e.address, 0)
    refused("made of r, w and x", mem.map, e.address, 1, "rq")
    refused("no memory at", mem.protect, e.address, 1, "rw")
    refused("no memory at", mem.unmap, e.address, 1)
    mem.map(e.address, 4)
    refused("has memory at", mem.map, e.address, 4)
    mem.unmap(e.address, 4)
    mem.map(e.address, 4, "rwx")
    mem.protect(e.address, 4, "r--")
    mem.u32[e.address] = 42
    kept = e
    return true
end)
pgr.on("read-unmapped", {first = 0x23001000}, function() check("elsewhere", false) end)
pgr.on("read-unmapped", {last = 0x22ffffff}, function() check("elsewhere", false) end)
pgr.on("write-unmapped", {first = 0x30000000, last = 0x30000fff}, function(e)
    note(e, e.access)
    check("no value", e.name == nil and e.path == nil and e.width == 0 and not e.second_chance)
    mem.map(e.address, 4)
    return true
end)
pgr.on("write-protected", function(e)
    note(e.kind, e.address & 0xfff, e.access, pgr.symbol(e.ip):match("^events"))
    mem.protect(e.address, 4, "rw")
    return true
end)
pgr.on("fetch-protected", function(e)
    note(e.kind, e.address & 0xfff, e.access, mem.u8[e.ip])
    mem.protect(e.address, 1, "rx")
    return true
end)
local function back_with(result)
    return function(e)
        note(e)
        reg("ip", mem.ptr[reg("sp")])
        reg("sp", reg("sp") + pgr.pointer_size)
        reg("ax", result)
        return true
    end
end
pgr.on("fetch-unmapped", {at = 0}, back_with(5))
pgr.on("fetch-unmapped", {at = 1}, back_with(8))
pgr.on("fetch-unmapped", {at = 0x24000000}, function(e)
    note(e)
    mem.map(e.address, 1, "rx")
    mem.write(e.address, "\xb8\x06\0\0\0\xc3")
    return true
end)

-- Instructions.
pgr.on("in", function(e)
    note(e.kind, e.code, e.width, e.size)
    reg("ax", 0x42)
    return true
end)
local function data_seen(e)
    note(e.kind, e.address & 7, e.size, e.kind == "read" and "" or e.value, e.access)
end
local code_hook, counted = nil, 0
local function code_seen(e)
    check("where", e.ip == e.address and reg("ip") == e.ip and e.access == "x" and e.size < 16)
    counted = counted + 1
    if counted == 2 then reg("cx", 21) end -- counted(1) becomes counted(21)
    if counted == 3 then
        check("there", code_hook:remove())
        check("once", not code_hook:remove())
    end
end
local ports = {
    [0x81] = function(at)
        pgr.on("write", {at = at, size = 8}, data_seen)
        pgr.on("read", {at = at, size = 8}, data_seen)
        pgr.on("read-after", {at = at + 4, size = 4}, data_seen)
    end,
    [0x82] = function(at) code_hook = pgr.on("code", {at = at}, code_seen) end,
    [0x83] = function(at)
        pgr.on_call(at, {call = function(c) if reg("cx") == 2 then return 99 end end})
        pgr.on_call(pgr.symbol(at), {exit = function(c) c.result = c.result + 1 end})
    end,
}
pgr.on("out", {order = 1}, function(e)
    note(e.kind, e.code, e.width, e.value)
    return true
end)
pgr.on("out", {order = -1}, function(e) -- hooks inside of a handler
    if not ports[e.code] then return end
    ports[e.code](reg("ax"))
    return true
end)
pgr.on("invalid-instruction", function(e)
    note(e.kind)
    reg("ip", e.ip + 2)
    reg("ax", 0x77)
    return 1
end)
pgr.on("interrupt", function(e)
    note(e.kind, e.code, e.size)
    reg("ax", 0x50)
    return true
end)
if pgr.args.watch then
    pgr.on("cpuid", function(e)
        if reg("ax") ~= 0x40000000 then return end
        note(e.kind)
        reg("bx", 0x626f)
        return true
    end)
end

-- The kernel's.
pgr.on("exception", function(e)
    note(e.kind, string.format("%x", e.code), e.second_chance)
    if e.code ~= 0xc0000094 then return end
    reg("ip", e.ip + 2)
    reg("ax", 0xd1)
    return true
end)
local function closes(e)
    if e.name ~= "NtClose" then return end
    local handle = wide and pgr.reg("r10") or mem.u32[pgr.reg("esp") + 8]
    if handle ~= 0x1234 then return end
    note(e.kind, e.name, e.code == pgr.reg("eax"))
    pgr.set_reg("rax", 0)
    return e.kind == "service"
end
pgr.on("syscall", closes)
pgr.on("service", closes)
local delays, waits = 0, nil
pgr.on("service", function(e)
    if waits then
        check("still that call", waits.thread == e.thread and waits.name == "MulDiv")
        refused("the call that is going on", function() waits:call("kernel32!Sleep", 1) end)
        delays = delays + 1
    end
end)
pgr.on_call("kernel32!MulDiv", {enter = function(c)
    refused("this event is over", function() return kept.ip end)
    waits = c
    c:call("kernel32!SleepEx", 1, 0)
    check("seen", delays > 0)
    waits = nil
    check("still a call", c.args[1] == 6)
end})
local function module(e)
    if e.name ~= "version.dll" then return end
    note(e.kind, e.path, e.size % 0x1000)
end
pgr.on("module-load", module)
pgr.on("module-unload", module)
pgr.on("thread-start", function(e) check("runs nothing yet", e.thread > 0 and e.code == 0) end)
pgr.on("thread-end", function(e) if e.code == 9 then note(e.kind, e.code) end end)
pgr.on("process-start", function(e)
    wide = pgr.pointer_size == 8
    note(e.kind, mem.read(e.address, 2))
    check("its first instruction", pgr.module(pgr.reg("rip")).name == "ntdll.dll")
    check("its thread", pgr.reg("rip", e.thread) == pgr.reg("rip"))
    refused("events have no field 'what'", function() return e.what end)
    refused("events cannot be changed", function() e.ip = 1 end)
    refused("cannot call functions of the guest", function() e:call("kernel32!Sleep", 1) end)
    check("locked", getmetatable(e) == false)
    refused("attempt to yield", coroutine.yield)
end)
pgr.on("process-end", function(e)
    note(e.kind, e.code)
    refused("this event has no thread", pgr.reg, "rip")
end)
pgr.on_exit(function() print("checks", checks >= 40, pcall(function() return kept.ip end)) end)
