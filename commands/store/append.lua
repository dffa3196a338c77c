-- Append a batch of entries to one or more journals: all of it or nothing.
--
-- KEYS[1]      the set of rollback names
-- KEYS[2..]    the streams, one per part of the batch
-- ARGV         per part: rollback name ("" for the environment's own journal), expected length,
--              hash of the entry expected last ("" for none), number of entries,
--              then per entry: bytes, signature, hash
--
-- Returns {0} when done; {1, part, length} when somebody appended first (compare-and-set on
-- length *and* last hash, so that a journal emptied and written anew is no match);
-- {2, part, length} when ids and length disagree: entries were removed by hand. Everything is
-- looked at before anything is written, because Redis does not undo a script that fails half-way.

local function field(list, name)
  for i = 1, #list, 2 do
    if list[i] == name then
      return list[i + 1]
    end
  end
end

local function head(key)
  if redis.call('EXISTS', key) == 0 then
    return 0, '', '0-0'
  end
  local info = redis.call('XINFO', 'STREAM', key)
  local last, hash = field(info, 'last-entry'), ''
  if last then
    hash = field(last[2], 'h') or '?'
  end
  return field(info, 'length'), hash, field(info, 'last-generated-id')
end

local parts, at = {}, 1
for part = 2, #KEYS do
  local expected, hash, count = tonumber(ARGV[at + 1]), ARGV[at + 2], tonumber(ARGV[at + 3])
  local length, last_hash, last_id = head(KEYS[part])
  if last_id ~= string.format('%d-0', length) then
    return {2, part - 1, length}
  end
  if length ~= expected or last_hash ~= hash then
    return {1, part - 1, length}
  end
  parts[part] = {name = ARGV[at], first = at + 4, expected = expected, count = count}
  at = at + 4 + 3 * count
end

for part = 2, #KEYS do
  local p = parts[part]
  for i = 1, p.count do
    local e = p.first + 3 * (i - 1)
    redis.call('XADD', KEYS[part], string.format('%d-0', p.expected + i),
      'e', ARGV[e], 's', ARGV[e + 1], 'h', ARGV[e + 2])
  end
  if p.name ~= '' and p.count > 0 then
    redis.call('SADD', KEYS[1], p.name)
  end
end
return {0}
