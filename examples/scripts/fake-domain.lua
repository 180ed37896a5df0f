-- SPDX-License-Identifier: GPL-2.0-or-later
-- Answers the program's questions for a host name, without any network.
--
--   peregrine run --script fake-domain.lua --script-arg name=update.example.com \
--       --script-arg address=192.0.2.7 program.exe
--
-- Without name= every name gets the address. Answers getaddrinfo, GetAddrInfoW, gethostbyname, and
-- DnsQuery in its three spellings; the answers are structures in memory that the script allocates in
-- the guest.

local wanted, mem = pgr.args.name, pgr.mem
local a, b, c, d = (pgr.args.address or "127.0.0.1"):match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
if not a then error("address= is not of the form 192.0.2.7") end
local octets = string.char(a, b, c, d)
local AF_INET, STREAM, TCP = 2, 1, 6
local ours = {} -- lists of answers, which only the script can free

local function is_wanted(name)
    return name and (not wanted or name:lower() == wanted:lower())
end

local function pointer(value)
    return string.pack("<I" .. pgr.pointer_size, value)
end

-- struct addrinfo and, behind it, its struct sockaddr_in
local function make_addrinfo(port)
    local at = mem.alloc(64 + 16)
    local head = string.pack("<i4i4i4i4", 0, AF_INET, STREAM, TCP)
    mem.write(at, head .. pointer(16) .. pointer(0) .. pointer(at + 64) .. pointer(0))
    mem.write(at + 64, string.pack("<I2>I2", AF_INET, port) .. octets)
    ours[at] = true
    return at
end

local function answer(text)
    return function(c)
        local name = text(c.args[1])
        if not is_wanted(name) then return end
        local port = tonumber(text(c.args[2]) or "") or 0
        mem.ptr[c.args[4]] = make_addrinfo(port & 0xffff)
        print(name .. " is " .. (pgr.args.address or "127.0.0.1"))
        return 0
    end
end

local function release(c)
    local list = c.args[1]
    if not ours[list] then return end
    ours[list] = nil
    mem.free(list)
    return 1
end

pgr.on_call("ws2_32!getaddrinfo", {call = answer(mem.string)})
pgr.on_call("ws2_32!GetAddrInfoW", {call = answer(mem.wstring)})
pgr.on_call("ws2_32!freeaddrinfo", {call = release})
pgr.on_call("ws2_32!FreeAddrInfoW", {call = release})

-- struct hostent is the library's: the program does not free it. One is enough, as in Winsock.
local hostent
pgr.on_call("ws2_32!gethostbyname", {call = function(c)
    local name, p = c:string(c.args[1]), pgr.pointer_size
    if not is_wanted(name) then return end
    hostent = hostent or mem.alloc(512)
    local list, address, text = hostent + 64, hostent + 96, hostent + 128
    mem.write(text, name:sub(1, 255) .. "\0")
    mem.write(address, octets)
    mem.write(list, pointer(address) .. pointer(0))
    mem.write(hostent, pointer(text) .. pointer(list + p) ..
                       string.pack("<i2i2", AF_INET, 4) .. ("\0"):rep(p - 4) .. pointer(list))
    print(name .. " is " .. (pgr.args.address or "127.0.0.1"))
    return hostent
end})

-- DNS_RECORD, behind it its name. There are addresses of the old kind only: who asks for others is
-- told that the name is there and has none.
local A, ANY, NO_RECORDS = 1, 255, 9501
local IN_ANSWER, CHARSET_SHIFT, TTL = 1, 3, 300

local function make_record(name, charset)
    local at, head = mem.alloc(64 + #name), 2 * pgr.pointer_size + 16
    mem.write(at, pointer(0) .. pointer(at + 64) ..
                  string.pack("<I2I2I4I4I4", A, 4, IN_ANSWER | charset << CHARSET_SHIFT, TTL, 0))
    mem.write(at + head, octets)
    mem.write(at + 64, name)
    ours[at] = true
    return at
end

local function answer_query(text, encode, charset)
    return {call = function(c)
        local name, kind, results = text(c.args[1]), c.args[2] & 0xffff, c.args[5]
        if not is_wanted(name) then return end
        if kind ~= A and kind ~= ANY then return NO_RECORDS end
        if results ~= 0 then mem.ptr[results] = make_record(encode(name), charset) end
        print(name .. " is " .. (pgr.args.address or "127.0.0.1"))
        return 0
    end}
end

local function narrow(name) return name .. "\0" end
pgr.on_call("dnsapi!DnsQuery_W", answer_query(mem.wstring, pgr.wide, 1))
pgr.on_call("dnsapi!DnsQuery_UTF8", answer_query(mem.string, narrow, 2))
pgr.on_call("dnsapi!DnsQuery_A", answer_query(mem.string, narrow, 3))
-- Not answered, since DnsRecordListFree has no prototype, and 32-bit functions clear the stack: the
-- library frees nothing instead.
local function release_record(c)
    if release(c) then c.args[1] = 0 end
end
pgr.on_call("dnsapi!DnsRecordListFree", {enter = release_record})
pgr.on_call("dnsapi!DnsFree", {enter = release_record})
