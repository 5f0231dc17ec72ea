// The checked build: a core whose every load and store asks first whether its bytes may be read or written, made from any build by rewriting its binary,
// so that what is checked is the very code that the compiler emitted for it.
//
//   v128.load offset=16        →   local.tee $p  local.get $p  i32.const 16  i32.const READ  call $check16  v128.load offset=16
//   f32.store  [p, value]      →   local.set $v  local.tee $p  local.get $p  i32.const 0  i32.const WRITE  call $check4  local.get $v  f32.store
//
// The memory lies beside two shadows of itself, a byte for each of its bytes, 255 where it may be read (written) and 0 elsewhere:
//
//   0        DATA_BYTES      what the core computes on; nothing behind it may be touched
//   READ     DATA_BYTES      which bytes may be read
//   WRITE    DATA_BYTES      which may be written
//   FAULT    4 bytes         the address that was refused; the call ends with `unreachable`
//
// Atomic instructions, which only the threads' control blocks use, are left as they are.
import { Reader, sections, imports } from "./wasm.mjs";

export const DATA_BYTES = 2 ** 20;
export const READ = DATA_BYTES;
export const WRITE = 2 * DATA_BYTES;
export const FAULT = 3 * DATA_BYTES;
export const CHECKED_PAGES = (3 * DATA_BYTES) / 65536 + 1;

const [I32, I64, F32, F64, V128] = [0x7f, 0x7e, 0x7d, 0x7c, 0x7b];
/** Locals that every function gets: an address, a value of each type, and the operands of a copy. */
const LOCALS = [I32, I32, I64, F32, F64, V128, I32, I32, I32];
const SIZES = [1, 2, 4, 8, 16];

/** Bytes that each load reads. */
const loads = new Map([
  ["40", 4], ["41", 8], ["42", 4], ["43", 8], ["44", 1], ["45", 1], ["46", 2], ["47", 2], ["48", 1], ["49", 1], ["50", 2], ["51", 2], ["52", 4], ["53", 4],
  ["fd:0", 16], ...[1, 2, 3, 4, 5, 6].map((code) => [`fd:${code}`, 8]), ["fd:7", 1], ["fd:8", 2], ["fd:9", 4], ["fd:10", 8], ["fd:92", 4], ["fd:93", 8],
]);
/** Bytes that each store writes and the type of its value; and of those that read a lane into a vector. */
const stores = new Map([
  ["54", [4, I32]], ["55", [8, I64]], ["56", [4, F32]], ["57", [8, F64]], ["58", [1, I32]], ["59", [2, I32]], ["60", [1, I64]], ["61", [2, I64]], ["62", [4, I64]], ["fd:11", [16, V128]],
  ...[1, 2, 4, 8].map((size, i) => [`fd:${88 + i}`, [size, V128]]),
]);
const laneLoads = new Map([1, 2, 4, 8].map((size, i) => [`fd:${84 + i}`, [size, V128]]));

function unsigned(value) {
  const bytes = [];
  do {
    bytes.push((value & 127) | (value > 127 ? 128 : 0));
    value = Math.floor(value / 128);
  } while (value > 0);
  return bytes;
}

function signed(value) {
  const bytes = [];
  for (;;) {
    const low = value & 127;
    value >>= 7;
    if ((value === 0 && (low & 64) === 0) || (value === -1 && (low & 64) !== 0)) return [...bytes, low];
    bytes.push(low | 128);
  }
}

const i32 = (value) => [0x41, ...signed(value)];
const get = (local) => [0x20, ...unsigned(local)];
const set = (local) => [0x21, ...unsigned(local)];
const tee = (local) => [0x22, ...unsigned(local)];
const call = (index) => [0x10, ...unsigned(index)];
const vector = (items) => [...unsigned(items.length), ...items.flat()];
const sized = (bytes) => [...unsigned(bytes.length), ...bytes];

/** check(address, offset, shadow): ends unless all bytes from address + offset are inside and marked in the shadow. */
function checkBody(size) {
  const fault = [...i32(FAULT), ...get(0), ...get(1), 0x6a, 0x36, 2, 0, 0x00];
  const marked = {
    1: [0x2d, 0, 0, ...i32(255), 0x47], 2: [0x2f, 0, 0, ...i32(65535), 0x47], 4: [0x28, 0, 0, ...i32(-1), 0x47], 8: [0x29, 0, 0, 0x42, 0x7f, 0x52],
    16: [0xfd, 0, 0, 0, 0xfd, 77, 0xfd, 83],
  }[size];
  return sized([
    0, ...get(0), 0xad, ...get(1), 0xad, 0x7c, 0x42, ...signed(DATA_BYTES - size), 0x56, 0x04, 0x40, ...fault, 0x0b,
    ...get(0), ...get(1), 0x6a, ...get(2), 0x6a, ...marked, 0x04, 0x40, ...fault, 0x0b, 0x0b,
  ]);
}

/** checkRange(address, length, shadow), byte by byte. */
function rangeBody(checkByte) {
  return sized([
    0, 0x02, 0x40, 0x03, 0x40, ...get(1), 0x45, 0x0d, 1, ...get(0), ...i32(0), ...get(2), ...call(checkByte), ...get(0), ...i32(1), 0x6a, ...set(0), ...get(1), ...i32(1), 0x6b, ...set(1), 0x0c, 0, 0x0b, 0x0b, 0x0b,
  ]);
}

/** How often each kind of access was rewritten. */
function rewriteBody(bytes, start, end, parameters, checks, counts) {
  const reader = new Reader(bytes, start, end);
  const groups = [];
  let locals = parameters;
  for (let left = reader.unsigned(); left > 0; left--) {
    const count = reader.unsigned();
    groups.push([...unsigned(count), reader.byte()]);
    locals += count;
  }
  const out = vector([...groups, ...LOCALS.map((type) => [1, type])]);
  const value = (type) => locals + 1 + [I32, I64, F32, F64, V128].indexOf(type);
  const [to, from, length] = [locals + 6, locals + 7, locals + 8];
  const copy = (begin, last) => { for (let i = begin; i < last; i++) out.push(bytes[i]); };
  while (reader.position < end) {
    const begin = reader.position;
    const opcode = reader.instruction();
    const access = loads.has(opcode) ? [loads.get(opcode)] : stores.get(opcode) ?? laneLoads.get(opcode);
    if (access !== undefined) {
      const [size, type] = access;
      const operand = new Reader(bytes, begin, end);
      operand.skip(1);
      if (bytes[begin] === 0xfd) operand.skipNumber();
      operand.skipNumber();
      const check = [...tee(locals), ...get(locals), ...i32(operand.unsigned()), ...i32(stores.has(opcode) ? WRITE : READ), ...call(checks[size])];
      out.push(...(type === undefined ? check : [...set(value(type)), ...check, ...get(value(type))]));
      counts[stores.has(opcode) ? "stores" : "loads"]++;
    } else if (opcode === "fc:10" || opcode === "fc:11") {
      const ranges = [...get(to), ...get(length), ...i32(WRITE), ...call(checks.range), ...(opcode === "fc:10" ? [...get(from), ...get(length), ...i32(READ), ...call(checks.range)] : [])];
      out.push(...set(length), ...set(from), ...set(to), ...ranges, ...get(to), ...get(from), ...get(length));
      counts.copies++;
    }
    copy(begin, reader.position);
  }
  return sized(out);
}

/**
 * @param {Uint8Array} bytes a build of the core
 * @returns {{ bytes: Uint8Array, counts: { loads: number, stores: number, copies: number } }} the checked form, and how many accesses it checks
 */
export function checked(bytes) {
  const all = sections(bytes).filter(({ id }) => id !== 0);
  const readerOf = (id) => {
    const { start, end } = all.find((section) => section.id === id);
    return new Reader(bytes, start, end);
  };
  const types = readerOf(1);
  const parameters = Array.from({ length: types.unsigned() }, () => {
    types.byte();
    const count = types.unsigned();
    types.skip(count);
    types.skip(types.unsigned());
    return count;
  });
  const functions = readerOf(3);
  const typeOf = Array.from({ length: functions.unsigned() }, () => functions.unsigned());
  const first = imports(bytes).filter(({ kind }) => kind === "function").length + typeOf.length;
  const checks = { ...Object.fromEntries(SIZES.map((size, i) => [size, first + i])), range: first + SIZES.length };
  const counts = { loads: 0, stores: 0, copies: 0 };

  const rest = ({ start, end }, count) => bytes.subarray(start + unsigned(count).length, end);
  const output = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  for (const section of all) {
    const { id, start, end } = section;
    let content = bytes.subarray(start, end);
    if (id === 1) content = [...unsigned(parameters.length + 1), ...rest(section, parameters.length), 0x60, 3, I32, I32, I32, 0];
    if (id === 3) content = [...unsigned(typeOf.length + 6), ...rest(section, typeOf.length), ...Array(6).fill(unsigned(parameters.length)).flat()];
    if (id === 10) {
      const reader = readerOf(10);
      const bodies = Array.from({ length: reader.unsigned() }, (_, i) => {
        const size = reader.unsigned();
        reader.skip(size);
        return rewriteBody(bytes, reader.position - size, reader.position, parameters[typeOf[i]], checks, counts);
      });
      content = [...unsigned(bodies.length + 6)];
      for (const body of [...bodies, ...SIZES.map(checkBody), rangeBody(checks[1])]) for (const byte of body) content.push(byte);
    }
    output.push(id, ...unsigned(content.length));
    for (const byte of content) output.push(byte);
  }
  return { bytes: Uint8Array.from(output), counts };
}
