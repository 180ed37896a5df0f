-- SPDX-License-Identifier: GPL-2.0-or-later
-- What there is of modules, exports and threads, seen from the calls of `victim lists`.
local checks, at = 0, 0
local function check(what, ok)
    checks = checks + 1
    if not ok then error("not so: " .. what, 2) end
end

for _, f in ipairs({"modules", "threads"}) do
    check("before the program", not pcall(pgr[f]))
end
check("before the program", not pcall(pgr.module, "kernel32"))

local function by_name(name)
    for _, m in ipairs(pgr.modules()) do
        if m.name == name then return m end
    end
end

local function modules(c)
    local last, program = -1, nil
    for _, m in ipairs(pgr.modules()) do
        check("in order", m.base > last)
        last = m.base + m.size - 1
        check("an image", pgr.mem.read(m.base, 2) == "MZ" and m.size % 4096 == 0)
        check("names", m.name == m.path:lower():match("[^\\]+$"))
        if m.base == pgr.module(c.caller).base then program = m end
    end
    check("the program", program and program.name:match("^victim%-") and not program.system and
          program.entry > program.base and program.entry < program.base + program.size and
          program.path:match("^C:\\"))
    local kernel32 = pgr.module("KERNEL32")
    check("by name", kernel32.name == "kernel32.dll" and kernel32.system and
          kernel32.base == by_name("kernel32.dll").base and
          kernel32.base == pgr.module("kernel32.DLL").base)
    check("by address", pgr.module(c.address).base == kernel32.base or
          pgr.module(c.address).name == "kernelbase.dll")
    check("none such", pgr.module("kernel") == nil and pgr.module(16) == nil and
          pgr.module("") == nil and not pcall(pgr.exports, "nothing") and
          not pcall(pgr.module) and not pcall(pgr.module, {}) and not pcall(pgr.module, true))
    check("a guest's own answer", c:call("kernel32!GetModuleHandleA", "kernel32") == kernel32.base)
end

local function exports()
    local vault, n, names = pgr.module("vault-" .. pgr.args.arch), 0, {}
    for x in pgr.exports(vault) do
        n = n + 1
        names[#names + 1] = x.name
        check("an address", x.address > vault.base and x.address < vault.base + vault.size and
              x.ordinal == n and not x.forward)
        check("the same", pgr.address("vault*!" .. x.name) == nil and
              pgr.address(vault.name .. "!" .. x.name) == x.address)
    end
    check("names", table.concat(names, " ") == "blend decrypt" and vault.exports == n and n == 2)
    local forward, plain, count = nil, nil, 0
    for x in pgr.exports("kernel32.dll") do
        count = count + 1
        if x.forward and x.forward:match("^NTDLL%.") then forward = forward or x end
        if x.name == "MulDiv" then plain = x end
        check("one or the other", not x.forward == not not x.address and x.ordinal > 0)
    end
    check("many", count > 1000 and count == pgr.module("kernel32").exports)
    check("forwarders", forward and not forward.address and
          pgr.module(pgr.address("kernel32!" .. forward.name)).name == "ntdll.dll")
    check("by name", plain.forward or plain.address == pgr.address("kernel32!MulDiv"))
    local program = by_name("victim-" .. pgr.args.arch .. ".exe")
    for _ in pgr.exports(program) do check("exports nothing", false) end
end

local function threads(c)
    local mine, waits = nil, 0
    local all = pgr.threads()
    for i, t in ipairs(all) do
        check("in order", i == 1 or t.id > all[i - 1].id)
        check("teb", pgr.mem.ptr[t.teb + 6 * pgr.pointer_size] == t.teb)
        if t.id == c.thread then mine = t end
        if t.waits_for then waits = waits + 1 end
        check("waits", (t.state == "waiting") == (t.waits_for ~= nil))
    end
    local sp = pgr.reg(pgr.pointer_size == 8 and "rsp" or "esp")
    check("mine", mine and mine.state == "running" and mine.suspended == 0 and
          sp >= mine.stack_low and sp < mine.stack_high)
    check("one waits", #all == 2 and waits == 1)
    local other = all[1].id == c.thread and all[2] or all[1]
    check("the other", other.parameter == 77 and pgr.module(other.start).name:match("^victim") and
          other.waits_for == "objects" and other.suspended == 1)
end

pgr.on_call("kernel32!MulDiv", {enter = function(c)
    modules(c)
    exports()
    threads(c)
    collectgarbage()
    at = at + 1
end})
pgr.on_call("kernel32!FreeLibrary", {exit = function()
    check("gone", not pgr.module("version") and not by_name("version.dll"))
    at = at + 1
end, enter = function() check("there", pgr.module("version").exports > 3) end})
pgr.on_exit(function() print("lists", at, checks > 1000) end)
