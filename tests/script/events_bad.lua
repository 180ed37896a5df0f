-- SPDX-License-Identifier: GPL-2.0-or-later
-- Errors of every kind in handlers of events, thrice each; the program must not notice. With
-- `kind=block` in the middle of an engine's loop.
local function recurse(s) return (s:gsub(".", recurse)) end
local kinds = {
    runtime = function() return nil + 1 end,
    memory = function() return ("x"):rep(1 << 30) end,
    tables = function() local t = {} while true do t[#t + 1] = {t} end end,
    loop = function() while true do end end,
    caught = function() while true do pcall(function() while true do end end) end end,
    coroutine = function() coroutine.wrap(function() while true do end end)() end,
    yield = function() coroutine.yield() end,
    stack = function() local function f() return 1 + f() end f() end,
    gsub = function() recurse("x") end,
    where = function() pgr.mem.protect(16, 1, "rw") end,
    register = function() pgr.set_reg("rax", 0, 12345) end,
    hooks = function() for _ = 1, 100 do pgr.on("in", {at = 1}, print):remove() end error("hooked") end,
}
local handler, n = kinds[pgr.args.what], 0
pgr.on(pgr.args.kind, function(e)
    if e.thread == 0 or n == 3 then return end
    n = n + 1
    return handler(e)
end)
if pgr.args.strict then pgr.on_exit(function(_, kind) print(n, kind) end) end
