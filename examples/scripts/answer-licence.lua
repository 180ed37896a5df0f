-- SPDX-License-Identifier: GPL-2.0-or-later
-- Answers a licence check that looks into the registry: the value is there, whatever the registry
-- holds, and so is its key.
--
--   peregrine run --script answer-licence.lua --script-arg value=LicenseKey \
--       --script-arg data=AAAA-BBBB --script-arg 'key=Software\Vendor\Product' program.exe
--
-- data=dword:1 gives a number. Without key= keys are left alone and only the value is answered.

local args, mem = pgr.args, pgr.mem
local name = (args.value or "LicenseKey"):lower()
local REG_SZ, REG_DWORD, MORE_DATA = 1, 4, 234
local OUR_KEY = 0x7ead0000

local number = (args.data or ""):match("^dword:(%d+)$")
local kind = number and REG_DWORD or REG_SZ

local function data(wide)
    if number then return string.pack("<I4", tonumber(number)) end
    local text = args.data or "licensed"
    return wide and pgr.wide(text) or text .. "\0"
end

-- As RegQueryValueEx does it: type, size and data are each wanted or not.
local function answer(wide)
    return function(c)
        local asked = wide and c:wstring("lpValueName") or not wide and c:string("lpValueName")
        if not asked or asked:lower() ~= name then return end
        local bytes, room = data(wide), 0
        if c.args.lpType ~= 0 then mem.u32[c.args.lpType] = kind end
        if c.args.lpcbData ~= 0 then
            room = mem.u32[c.args.lpcbData]
            mem.u32[c.args.lpcbData] = #bytes
        end
        if c.args.lpData == 0 then return 0 end
        if room < #bytes then return MORE_DATA end
        mem.write(c.args.lpData, bytes)
        pgr.log(asked, "is asked for by", pgr.symbol(c.caller))
        return 0
    end
end
pgr.on_call("*!RegQueryValueExW", {call = answer(true)})
pgr.on_call("*!RegQueryValueExA", {call = answer(false)})

if args.key then
    local function open(wide)
        return function(c)
            local key = wide and c:wstring("lpSubKey") or not wide and c:string("lpSubKey")
            if not key or key:lower() ~= args.key:lower() then return end
            mem.ptr[c.args.phkResult] = OUR_KEY
            return 0
        end
    end
    pgr.on_call("*!RegOpenKeyExW", {call = open(true)})
    pgr.on_call("*!RegOpenKeyExA", {call = open(false)})
    pgr.on_call("*!RegCloseKey", {call = function(c)
        if c.args[1] == OUR_KEY then return 0 end
    end})
end
