-- SPDX-License-Identifier: GPL-2.0-or-later
-- Errors of every kind in handlers; the program must not notice.
local function recurse(s) return (s:gsub(".", recurse)) end
local index = {}
index.__index = function(t, k) return t[k + 1] end
local kinds = {
    runtime = function() return nil + 1 end,
    object = function() error({}) end,
    memory = function() return ("x"):rep(1 << 30) end,
    tables = function() local t = {} while true do t[#t + 1] = {t} end end,
    lists = function()
        local t = {}
        while true do
            t[#t + 1] = {pgr.modules(), pgr.threads()}
            for x in pgr.exports("kernel32") do t[#t + 1] = x end
        end
    end,
    loop = function() while true do end end,
    caught = function() while true do pcall(function() while true do end end) end end,
    coroutine = function() coroutine.wrap(function() while true do end end)() end,
    yield = function() coroutine.yield() end,
    stack = function() local function f() return 1 + f() end f() end,
    gsub = function() recurse("x") end,
    metamethods = function() return setmetatable({}, index)[1] end,
    parser = function() assert(load("return " .. ("("):rep(1000) .. "1")) end,
    result = function() return {} end,
    where = function(c) pgr.mem.write(16, "x") end,
}
local handler = kinds[pgr.args.kind]
pgr.on_call("kernel32!MulDiv", {call = handler})
