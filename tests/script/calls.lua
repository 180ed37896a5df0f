-- SPDX-License-Identifier: GPL-2.0-or-later
-- Every part of the module, on the calls of `victim calls`.
local checks = 0
local function check(what, ok)
    checks = checks + 1
    if not ok then error("not so: " .. what, 2) end
end

check("no way out", not (io or require or package or debug or dofile or loadfile or os.execute or
                         os.remove or os.exit or os.getenv or string.dump))
check("text only", not load("\27Lua"))
check("before the program", pgr.pointer_size == 0 and not pcall(pgr.mem.alloc, 1))
check("typos", not pcall(pgr.on_call, "kernel32!MulDiv", {entry = print}))
check("no service", not pcall(pgr.on_call, "nt!NtNothing", {enter = print}))
check("json", pgr.json.encode({1, {b = true, a = "x"}, 2.5, pgr.json.null}) == '[1,{"a":"x","b":true},2.5,null]')
local decoded = pgr.json.decode('{"list": [1, 2.5, "\\u00e4", null, false]}')
check("json back", decoded.list[3] == "\u{e4}" and decoded.list[4] == pgr.json.null and #decoded.list == 5)
check("wide", pgr.wide("a\u{1f600}") == "a\0\x3d\xd8\0\xde\0\0")

local kept, order = nil, {}
pgr.on_call("kernel32!GetEnvironmentVariableA", {
    enter = function(c)
        check("what", c.name == "GetEnvironmentVariableA" and c.module == "kernel32.dll" and
              tostring(c) == "kernel32.dll!GetEnvironmentVariableA" and c.thread > 0 and c.depth == 0)
        check("where", pgr.symbol(c.caller):match("^victim") and
              pgr.symbol(c.address):match("!GetEnvironmentVariableA$"))
        check("arguments", #c.args == 3 and c.args[3] == 32 and c.args.nSize == 32 and
              c:string("lpName") == "NOT_THERE" and c.args[4] == nil)
        check("no result yet", not pcall(function() return c.result end))
        local names = {}
        for name in pairs(c.args) do names[#names + 1] = name end
        check("names", table.concat(names, " ") == "lpName lpBuffer nSize")
        check("register", pgr.reg(pgr.pointer_size == 8 and "r8" or "esp") ~= 0)
        kept = c
    end,
    call = function(c)
        pgr.mem.write(c.args.lpBuffer, "given\0")
        c.last_error = 42
        return 5
    end,
    exit = function(c)
        check("same result", c.result == 5 and c.last_error == 42)
        check("arguments stay", not pcall(function() c.args[1] = 0 end))
        c.result = 6
    end})

local first = pgr.on_call("kernel32!MulDiv", {order = 1, enter = function(c)
    check("over", not pcall(function() return kept.name end))
    check("signed", c.args[1] == 6 or c.args[1] == -6)
    c.args.nDenominator = 3
    order[#order + 1] = "b"
end})
pgr.on_call("kernel32!MulDiv", {order = -1, enter = function() order[#order + 1] = "a" end,
    exit = function(c)
        check("guest functions", c:call("kernel32!MulDiv", 10, 10, -5) == -20)
        check("texts", c:call("kernel32!lstrlenA", "hello") == 5 and
              c:call("kernel32!lstrlenW", pgr.wide("hello")) == 5)
        check("by address", c:call(pgr.address("kernel32!lstrlenA"), "four") == 4)
        check("floating", c:call("msvcrt!pow", 2.0, 0.5) > 1.41 and c:call("msvcrt!pow", 9, 0.5) == 3.0)
        check("nothing such", not pcall(c.call, c, "kernel32!Nothing"))
        check("result kept", c.result == 21 or c.result == -14)
        first:remove()
        check("once", not first:remove())
    end})
pgr.on_call("kernel32!IsDebuggerPresent", {call = function() return true end})
pgr.on_call("vault*!blend", {exit = function(c) check("no prototype", #c.args == 0) end})
pgr.on_call("kernel32!GetCommandLineA", {call = function() return "a line of the script's" end})
pgr.on_call("kernel32!lstrlenW", {enter = function(c)
    local mem = pgr.mem
    local at = mem.alloc(64)
    check("wide text", c:wstring(c.args[1]) == "wide text")
    mem.u32[at], mem.i16[at + 4], mem.f64[at + 8], mem.f32[at + 16] = 0xfffffffe, -2, 1.5, 0.25
    mem.u8(at + 20, 200)
    mem.ptr[at + 24] = at
    check("views", mem.i32[at] == -2 and mem.u16[at + 4] == 0xfffe and mem.f64[at + 8] == 1.5 and
          mem.f32(at + 16) == 0.25 and mem.i8[at + 20] == -56 and mem.ptr[at + 24] == at and
          mem.u64[at] == 0xfffefffffffe)
    mem.free(at)
    check("freed", not pcall(mem.read, at, 1) and mem.string(at) == nil and mem.string(0) == nil)
    check("too much", select(2, pcall(mem.read, c.args[1], 1 << 30)) == "not enough memory")
    c.args[1] = "longer, by the script"
end})
pgr.on_exit(function(code, kind)
    check("order", table.concat(order) == "aba")
    print(kind, code, checks, pgr.args.x)
end)
