-- SPDX-License-Identifier: GPL-2.0-or-later
-- Handlers that wait for guest functions which do not return.
local kinds = {
    process = function(c) c:call("kernel32!ExitProcess", 3) print("came back") end,
    thread = function(c) c:call("kernel32!ExitThread", 5) print("came back") end,
    caught = function(c) while true do pcall(c.call, c, "kernel32!Sleep", 1) end end,
}
pgr.on_call("kernel32!MulDiv", {enter = kinds[pgr.args.kind]})
pgr.on_exit(function(code, kind) print("at the end", kind, code) end)
