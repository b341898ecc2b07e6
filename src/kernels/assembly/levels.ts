// Dictionary encoding of text cells.
import { isBlank, isMissing } from "./missing";
import { ESCAPED } from "./parse";

/** The distinct texts of a column and a hash table over them (src/kernels/levels.ts makes and enlarges it). */
@unmanaged
class Levels {
  count: i32;
  /** Levels that `entries` has room for; the table of slots has twice as many. */
  room: i32;
  entries: usize;
  /** What decides most look-ups stands in the slot, which is one access of memory: see `Slot`. */
  slots: usize;
  /** The levels' bytes, one after the other. */
  texts: usize;
  used: i32;
  textRoom: i32;
  /** Whether only an empty cell is missing. */
  literal: i32;
}

/** A level: its bytes are [offset, offset + length) of the table's texts. */
@unmanaged
class Level {
  offset: i32;
  length: i32;
}

/** A slot: 16 bytes, all zero where it is free. */
@unmanaged
class Slot {
  /** The level's bytes where they are at most eight, else their hash. */
  key: u64;
  /** The level's code + 1. */
  code: i32;
  length: i32;
}

// @ts-ignore: decorator
@inline
function entry(levels: Levels, code: i32): Level {
  return changetype<Level>(levels.entries + (<usize>code << 3));
}

/** A multiplicative hash of the bytes, eight at a time. */
function hashOf(p: usize, length: i32): u64 {
  let h: u64 = <u64>length * 0x9e3779b97f4a7c15;
  for (; length > 8; length -= 8, p += 8) {
    h = (h ^ load<u64>(p)) * 0x9fb21c651e98df25;
    h ^= h >> 32;
  }
  return h ^ short(p, length);
}

/** One to eight bytes. */
// @ts-ignore: decorator
@inline
function short(p: usize, length: i32): u64 {
  return load<u64>(p) & (~(<u64>0) >> ((8 - length) << 3));
}

/** What a level's slot has as its key. */
// @ts-ignore: decorator
@inline
function keyOf(p: usize, length: i32): u64 {
  return length <= 8 ? short(p, length) : hashOf(p, length);
}

/** Where the search for a key begins. */
// @ts-ignore: decorator
@inline
function startOf(key: u64): u32 {
  let h = key * 0x9fb21c651e98df25;
  h ^= h >> 29;
  h *= 0x9e3779b97f4a7c15;
  return <u32>(h >> 32);
}

// @ts-ignore: decorator
@inline
function equal(a: usize, b: usize, length: i32): bool {
  for (; length >= 8; length -= 8, a += 8, b += 8) if (load<u64>(a) != load<u64>(b)) return false;
  return length == 0 || ((load<u64>(a) ^ load<u64>(b)) << ((8 - length) << 3)) == 0;
}

/**
 * Codes of text cells (an address and a length each, as parseRows writes them): levels are numbered from 0 in
 * order of first appearance, missing cells get −1. Returns the rows done; fewer than `rows` if the next cell
 * may be a new level for which there is no room.
 */
export function internCells(levels: Levels, cells: usize, rows: i32, codes: usize): i32 {
  const mask = <u32>(2 * levels.room - 1);
  for (let r = 0; r < rows; r++) {
    let p = <usize>load<u32>(cells + (<usize>r << 3));
    const tagged = load<u32>(cells + (<usize>r << 3), 4);
    let length = <i32>(tagged & ~ESCAPED);
    const code = codes + (<usize>r << 2);
    let from = p;
    let to = p + length;
    while (from < to && isBlank(load<u8>(from))) from++;
    while (from < to && isBlank(load<u8>(to - 1))) to--;
    if (to == from || (!levels.literal && to - from <= 4 && isMissing(from, to))) {
      store<i32>(code, -1);
      continue;
    }
    // Room for a level more, and for reading it eight bytes at a time.
    if (levels.count == levels.room || levels.used + length + 8 > levels.textRoom) return r;
    const place = levels.texts + levels.used;
    if (tagged & ESCAPED) {
      const end = p + length;
      length = 0;
      for (; p < end; p++, length++) {
        const c = load<u8>(p);
        store<u8>(place + length, c);
        if (c == 0x22) p++;
      }
      p = place;
    }
    const key = keyOf(p, length);
    for (let i = startOf(key) & mask; ; i = (i + 1) & mask) {
      const slot = changetype<Slot>(levels.slots + (<usize>i << 4));
      let found = slot.code - 1;
      if (found >= 0) {
        if (slot.key != key || slot.length != length) continue;
        if (length > 8 && !equal(levels.texts + entry(levels, found).offset, p, length)) continue;
      } else {
        found = levels.count++;
        slot.key = key;
        slot.code = found + 1;
        slot.length = length;
        const level = entry(levels, found);
        level.offset = levels.used;
        level.length = length;
        if (p != place) memory.copy(place, p, length);
        levels.used += length;
      }
      store<i32>(code, found);
      break;
    }
  }
  return rows;
}

/** Fills the slots, which are zero, from the levels. */
export function rehash(levels: Levels): void {
  const mask = <u32>(2 * levels.room - 1);
  for (let code = 0; code < levels.count; code++) {
    const level = entry(levels, code);
    const key = keyOf(levels.texts + level.offset, level.length);
    let i = startOf(key) & mask;
    while (changetype<Slot>(levels.slots + (<usize>i << 4)).code) i = (i + 1) & mask;
    const slot = changetype<Slot>(levels.slots + (<usize>i << 4));
    slot.key = key;
    slot.code = code + 1;
    slot.length = level.length;
  }
}
