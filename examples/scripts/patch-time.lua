-- SPDX-License-Identifier: GPL-2.0-or-later
-- Lets a program live at another time: trial periods, dates on which something is to happen.
--
--   peregrine run --script patch-time.lua --script-arg date=1999-12-31T23:59:58 program.exe
--
-- The date is UTC and the local time as well; time stands still.

local year, month, day, hour, minute, second =
    (pgr.args.date or "2001-01-01"):match("^(%d+)-(%d+)-(%d+)T?(%d*):?(%d*):?(%d*)$")
if not year then error("date= is not of the form 2001-02-03T04:05:06") end
local y, m, d = tonumber(year), tonumber(month), tonumber(day)
local H, M, S = tonumber(hour) or 0, tonumber(minute) or 0, tonumber(second) or 0

-- Of the Gregorian calendar, whose year begins with March here.
local function days(y, m, d)
    if m <= 2 then y, m = y - 1, m + 12 end
    return 365 * y + y // 4 - y // 100 + y // 400 + (153 * (m - 3) + 2) // 5 + d
end

local day_number = days(y, m, d) - days(1601, 1, 1)
local filetime = ((day_number * 24 + H) * 60 + M) * 60 + S
local unix = filetime - 11644473600
filetime = filetime * 10000000
-- SYSTEMTIME; 1601-01-01 was a Monday
local systemtime = string.pack("<I2I2I2I2I2I2I2I2", y, m, (day_number + 1) % 7, d, H, M, S, 0)

local function write(bytes)
    return {call = function(c)
        pgr.mem.write(c.args[1], bytes)
        return 1
    end}
end
pgr.on_call("*!GetSystemTime", write(systemtime))
pgr.on_call("*!GetLocalTime", write(systemtime))
pgr.on_call("*!GetSystemTimeAsFileTime", write(string.pack("<i8", filetime)))
pgr.on_call("*!GetSystemTimePreciseAsFileTime", write(string.pack("<i8", filetime)))

-- time() of the C run-time libraries: the result, and where the argument points as well.
for _, name in ipairs({"time", "_time64", "_time32"}) do
    pgr.on_call("*!" .. name, {call = function(c)
        local width = name == "time" and pgr.pointer_size or name == "_time32" and 4 or 8
        if c.args[1] ~= 0 then pgr.mem.write(c.args[1], string.pack("<i" .. width, unix)) end
        return unix
    end})
end

-- These take the present time when they get no other.
local now
for _, name in ipairs({"GetDateFormatW", "GetDateFormatA", "GetDateFormatEx",
                       "GetTimeFormatW", "GetTimeFormatA", "GetTimeFormatEx"}) do
    pgr.on_call("*!" .. name, {enter = function(c)
        if c.args[3] ~= 0 then return end
        now = now or pgr.mem.alloc(systemtime)
        c.args[3] = now
    end})
end
