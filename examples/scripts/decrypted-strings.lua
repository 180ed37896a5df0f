-- SPDX-License-Identifier: GPL-2.0-or-later
-- Collects the strings that a program decrypts at run time, with who asked for them.
--
--   peregrine run --script decrypted-strings.lua --script-arg 'function=vault!decrypt' program.exe
--
-- The function is one that a DLL exports and that returns the text, or, with out=N, writes it to where
-- its argument N points; wide=yes: UTF-16. There need not be a prototype of it.

local args = pgr.args
if not args["function"] then error("which function? --script-arg function=dll!name") end
local out, text = tonumber(args.out), args.wide and pgr.mem.wstring or pgr.mem.string
local seen = {}

pgr.on_call(args["function"], {exit = function(c)
    local s = text(out and c.args[out] or c.result, 4096)
    if not s then return end
    local known = seen[s]
    seen[s] = (known or 0) + 1
    if not known then
        print(string.format("%s: %q", pgr.symbol(c.caller) or "?", s))
    end
end})

pgr.on_exit(function()
    local all, calls = 0, 0
    for _, n in pairs(seen) do all, calls = all + 1, calls + n end
    print(all .. " strings, decrypted " .. calls .. " times")
end)
