-- SPDX-License-Identifier: GPL-2.0-or-later
-- Handlers that wait for guest functions while those of other threads run.
local n, sum = 0, 0
pgr.on_call("kernel32!MulDiv", {exit = function(c)
    local local_sum = c:call("kernel32!MulDiv", c.args[1], 1, 1)
    c:call("kernel32!Sleep", 0)
    local_sum = local_sum + c:call("kernel32!lstrlenA", ("x"):rep(local_sum))
    n, sum = n + 1, sum + local_sum
    collectgarbage("step")
end})
pgr.on_exit(function() print(n, sum) end)
