// Decompresses the binaries that are embedded in the library: a module of its own, 1.2 kB, compiled first. LZMA takes a quarter less
// than deflate for them, needs no function of the host, and this decoder takes 2 ms for the core (the same in JavaScript 40).
//
//   0         probabilities   u16, of a 0 in 2048ths: the groups of the specification side by side, at the offsets below
//   16,000    registers       u32: range, code, address of the next byte
//   16,384    data            without header and end marker, with the usual settings (lc 3, lp 0, pb 2)
//   to … end  output          which is the dictionary too
//
// Follows the LZMA specification by Igor Pavlov (public domain), 7-zip.org/sdk.html. Input is trusted: the build made it.

const IS_MATCH = 0, IS_REPEATED = 48, NOT_LAST = 60, NOT_SECOND = 72, NOT_THIRD = 84, IS_LONG = 96;
const SLOTS = 144, DISTANCES = 400, ALIGNED = 515, LENGTHS = 531, REPEATED_LENGTHS = 853, LITERALS = 1175;
const PROBABILITIES: usize = LITERALS + 8 * 0x300;
const REGISTERS: usize = 16000;
const DATA: usize = 16384;
/** In place of a probability: a bit that is 0 as often as 1. */
const EVEN = -1;

/** The next bit, by the probability at `index`, which learns from it. */
function bit(index: i32): i32 {
  let range = load<u32>(REGISTERS), code = load<u32>(REGISTERS, 4);
  const at = <usize>index << 1;
  const probability: u32 = index < 0 ? 1024 : load<u16>(at);
  const bound = index < 0 ? range >>> 1 : (range >>> 11) * probability;
  const result = code >= bound;
  if (result) code -= bound;
  range = result && index >= 0 ? range - bound : bound;
  if (index >= 0) store<u16>(at, result ? probability - (probability >> 5) : probability + ((2048 - probability) >> 5));
  if (range < 0x1000000) {
    const next = load<u32>(REGISTERS, 8);
    range <<= 8;
    code = (code << 8) | load<u8>(next);
    store<u32>(REGISTERS, next + 1, 8);
  }
  store<u32>(REGISTERS, range);
  store<u32>(REGISTERS, code, 4);
  return <i32>result;
}

/** A number below `limit`, a power of two, from its highest bit on. */
function tree(base: i32, limit: i32): i32 {
  let symbol = 1;
  while (symbol < limit) symbol = (symbol << 1) | bit(base + symbol);
  return symbol - limit;
}

/** A number of `bits` bits, from its lowest on. */
function reversedTree(base: i32, bits: i32): i32 {
  let symbol = 1, value = 0;
  for (let i = 0; i < bits; ++i) {
    const next = bit(base + symbol);
    symbol = (symbol << 1) | next;
    value |= next << i;
  }
  return value;
}

function matchLength(base: i32, position: i32): i32 {
  if (!bit(base)) return 2 + tree(base + 2 + 8 * position, 8);
  if (!bit(base + 1)) return 10 + tree(base + 34 + 8 * position, 8);
  return 18 + tree(base + 66, 256);
}

function matchDistance(count: i32): i32 {
  const slot = tree(SLOTS + 64 * min(count - 2, 3), 64);
  if (slot < 4) return slot + 1;
  let bits = (slot >> 1) - 1;
  let distance = (2 | (slot & 1)) << bits;
  if (slot < 14) return distance + reversedTree(DISTANCES + distance - slot, bits) + 1;
  while (bits > 4) distance += bit(EVEN) << --bits;
  return distance + reversedTree(ALIGNED, 4) + 1;
}

/** Writes the bytes of which the data is the compressed form to `to` … `end`. */
export function decompress(to: usize, end: usize): void {
  for (let at: usize = 0; at < PROBABILITIES << 1; at += 2) store<u16>(at, 1024);
  // the first byte is always 0
  store<u32>(REGISTERS, -1);
  store<u32>(REGISTERS, bswap(load<u32>(DATA + 1)), 4);
  store<u32>(REGISTERS, <u32>DATA + 5, 8);
  const begin = to;
  // what the last symbols were: literals below 7, else a match (7, 10), a repeated match (8, 11), a single byte (9, 11)
  let state = 0;
  // the last four distances
  let last = 1, second = 1, third = 1, fourth = 1;
  while (to < end) {
    const position = <i32>(to - begin) & 3;
    if (!bit(IS_MATCH + 4 * state + position)) {
      const base = LITERALS + 0x300 * (to > begin ? load<u8>(to - 1) >> 5 : 0);
      let symbol = 1;
      if (state >= 7) {
        // after a match, the byte that it would have gone on with says much, as far as it is right
        for (let guess = <i32>load<u8>(to - last); symbol < 256; ) {
          guess <<= 1;
          const guessed = guess & 256;
          const next = bit(base + 256 + guessed + symbol);
          symbol = (symbol << 1) | next;
          if (guessed >> 8 != next) break;
        }
      }
      while (symbol < 256) symbol = (symbol << 1) | bit(base + symbol);
      store<u8>(to++, symbol);
      state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
      continue;
    }
    const afterLiteral = state < 7;
    let count = 1;
    if (!bit(IS_REPEATED + state)) {
      count = matchLength(LENGTHS, position);
      fourth = third;
      third = second;
      second = last;
      last = matchDistance(count);
      state = afterLiteral ? 7 : 10;
    } else {
      if (bit(NOT_LAST + state)) {
        let distance = second;
        if (bit(NOT_SECOND + state)) {
          distance = third;
          if (bit(NOT_THIRD + state)) {
            distance = fourth;
            fourth = third;
          }
          third = second;
        }
        second = last;
        last = distance;
        count = 0;
      } else if (bit(IS_LONG + 4 * state + position)) count = 0;
      if (count == 0) count = matchLength(REPEATED_LENGTHS, position);
      const long = count > 1;
      state = afterLiteral ? (long ? 8 : 9) : 11;
    }
    for (; count > 0; --count, ++to) store<u8>(to, load<u8>(to - last));
  }
}
