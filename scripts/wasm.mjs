// Reads WebAssembly binaries: sections, imports, globals, and every opcode of every function body. The build asserts with it
// what the core may not contain, and the tests look for instructions. It decodes what this project's compiler emits: the
// core specification with SIMD, relaxed SIMD, threads and bulk memory; any other opcode is an error, as is a body whose
// instructions do not end where its size says. Follows the binary format of https://webassembly.github.io/spec/core/binary/

const EXTERNAL = ["function", "table", "memory", "global"];

/** A position in the bytes, and the primitive values of the format. */
export class Reader {
  constructor(bytes, position = 0, end = bytes.length) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
  }

  byte() {
    if (this.position >= this.end) throw new RangeError(`wasm: expected a byte at offset ${this.position}, got the end`);
    return this.bytes[this.position++];
  }

  skip(count) {
    if (this.position + count > this.end) throw new RangeError(`wasm: expected ${count} bytes at offset ${this.position}, got the end`);
    this.position += count;
  }

  /** An unsigned LEB128 number below 2^53. */
  unsigned() {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  /** Passes over a LEB128 number of either kind. */
  skipNumber() {
    while (this.byte() >= 128);
  }

  text() {
    const length = this.unsigned();
    this.skip(length);
    return new TextDecoder().decode(this.bytes.subarray(this.position - length, this.position));
  }

  limits() {
    const flagOffset = this.position;
    const flag = this.byte();
    const minimum = this.unsigned();
    return { flagOffset, shared: (flag & 2) !== 0, minimum, maximum: flag & 1 ? this.unsigned() : undefined };
  }

  memoryOperand() {
    this.skipNumber();
    this.skipNumber();
  }

  /** One instruction with its immediates; returns the opcode as "fd:256" for a prefixed one, else as "32". */
  instruction() {
    const opcode = this.byte();
    if (opcode >= 0xfc && opcode <= 0xfe) {
      const code = this.unsigned();
      if (opcode === 0xfc) this.bulkImmediates(code);
      else if (opcode === 0xfd) this.vectorImmediates(code);
      else if (code === 0x03) this.skip(1);
      else this.memoryOperand();
      return `${opcode.toString(16)}:${code}`;
    }
    if ((opcode >= 0x02 && opcode <= 0x04) || opcode === 0x0c || opcode === 0x0d || opcode === 0x10) this.skipNumber();
    else if (opcode >= 0x20 && opcode <= 0x26) this.skipNumber();
    else if (opcode >= 0x28 && opcode <= 0x3e) this.memoryOperand();
    else if (opcode === 0x11) this.memoryOperand();
    else if (opcode === 0x0e) for (let targets = this.unsigned(); targets >= 0; targets--) this.skipNumber();
    else if (opcode === 0x1c) for (let types = this.unsigned(); types > 0; types--) this.skip(1);
    else if ([0x3f, 0x40, 0x41, 0x42, 0xd0, 0xd2].includes(opcode)) this.skipNumber();
    else if (opcode === 0x43) this.skip(4);
    else if (opcode === 0x44) this.skip(8);
    else if (![0x00, 0x01, 0x05, 0x0b, 0x0f, 0x1a, 0x1b, 0xd1].includes(opcode) && (opcode < 0x45 || opcode > 0xc4)) {
      throw new RangeError(`wasm: expected a known opcode at offset ${this.position - 1}, got 0x${opcode.toString(16)}`);
    }
    return String(opcode);
  }

  bulkImmediates(code) {
    if (code > 17) throw new RangeError(`wasm: expected a known opcode at offset ${this.position}, got 0xfc ${code}`);
    if (code >= 8) this.skipNumber();
    if (code === 8 || code === 10 || code === 12 || code === 14) this.skipNumber();
  }

  vectorImmediates(code) {
    if (code > 0x113) throw new RangeError(`wasm: expected a known opcode at offset ${this.position}, got 0xfd ${code}`);
    if (code <= 11 || code === 92 || code === 93) this.memoryOperand();
    else if (code === 12 || code === 13) this.skip(16);
    else if (code >= 21 && code <= 34) this.skip(1);
    else if (code >= 84 && code <= 91) {
      this.memoryOperand();
      this.skip(1);
    }
  }

  /** A constant expression, up to and with its end. */
  expression() {
    while (this.instruction() !== "11");
  }
}

/** The sections in the order of the file: their id, and where their content starts and ends. */
export function sections(bytes) {
  const reader = new Reader(bytes);
  const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  if (header.some((value) => reader.byte() !== value)) throw new TypeError("wasm: expected the header of a WebAssembly binary of version 1");
  const found = [];
  while (reader.position < bytes.length) {
    const id = reader.byte();
    const size = reader.unsigned();
    found.push({ id, start: reader.position, end: reader.position + size });
    reader.skip(size);
  }
  return found;
}

function readerOf(bytes, id) {
  const section = sections(bytes).find((candidate) => candidate.id === id);
  return section ? new Reader(bytes, section.start, section.end) : undefined;
}

/** Reads the entries of a section that begins with their number; checks that they fill it. */
function entries(bytes, id, read) {
  const reader = readerOf(bytes, id);
  if (!reader) return [];
  const found = Array.from({ length: reader.unsigned() }, () => read(reader));
  if (reader.position !== reader.end) throw new RangeError(`wasm: expected section ${id} to end at offset ${reader.position}, got ${reader.end}`);
  return found;
}

/** The imports; a memory's has its limits and the offset of the byte that holds their flag. */
export function imports(bytes) {
  return entries(bytes, 2, (reader) => {
    const module = reader.text();
    const name = reader.text();
    const kind = EXTERNAL[reader.byte()];
    if (kind === "memory") return { module, name, kind, ...reader.limits() };
    if (kind === "table") {
      reader.skip(1);
      reader.limits();
    } else if (kind === "global") {
      reader.skip(1);
      return { module, name, kind, mutable: reader.byte() === 1 };
    } else reader.skipNumber();
    return { module, name, kind };
  });
}

/** The module's own globals. */
export function globals(bytes) {
  return entries(bytes, 6, (reader) => {
    reader.skip(1);
    const mutable = reader.byte() === 1;
    reader.expression();
    return { mutable };
  });
}

/** Whether the file has a data section (11), or a count of data segments (12). */
export function hasData(bytes) {
  return sections(bytes).some(({ id }) => id === 11 || id === 12);
}

/** How often each opcode occurs in the function bodies, by the names that `instruction` gives. */
export function opcodes(bytes) {
  const counts = new Map();
  entries(bytes, 10, (reader) => {
    const size = reader.unsigned();
    const body = new Reader(bytes, reader.position, reader.position + size);
    reader.skip(size);
    for (let groups = body.unsigned(); groups > 0; groups--) {
      body.skipNumber();
      body.skip(1);
    }
    let last;
    while (body.position < body.end) {
      last = body.instruction();
      counts.set(last, (counts.get(last) ?? 0) + 1);
    }
    if (last !== "11") throw new RangeError(`wasm: expected a function body to close with end before offset ${body.end}, got opcode ${last}`);
  });
  return counts;
}

/** The opcodes of relaxed SIMD: prefix 0xfd, 256 and above. */
export function relaxedOpcodes(bytes) {
  return [...opcodes(bytes).keys()].filter((name) => name.startsWith("fd:") && Number(name.slice(3)) >= 256);
}

/** Those of fixed-width SIMD. */
export function vectorOpcodes(bytes) {
  return [...opcodes(bytes).keys()].filter((name) => name.startsWith("fd:") && Number(name.slice(3)) < 256);
}

/**
 * The offset of the limits flag of the one memory that a core imports.
 * @throws {Error} unless the imports are exactly a shared env.memory with a maximum
 */
export function memoryFlagOffset(bytes) {
  const [memory, ...others] = imports(bytes);
  const sound = memory?.module === "env" && memory.name === "memory" && memory.kind === "memory" && others.length === 0;
  if (!sound) {
    const names = imports(bytes).map(({ module, name }) => `${module}.${name}`);
    throw new Error(`core: expected env.memory as the only import, got ${names.join(", ") || "none"}. Use nothing that the host would have to give`);
  }
  const flag = bytes[memory.flagOffset];
  if (flag !== 3) throw new Error(`core: expected limits flag 3 (shared, with a maximum), got ${flag}. Keep sharedMemory in asconfig.json`);
  return memory.flagOffset;
}

/** A copy of a shared core that takes an unshared memory: flag 3 (shared, maximum) becomes 1 (maximum). */
export function unshared(bytes) {
  const copy = Uint8Array.from(bytes);
  copy[memoryFlagOffset(bytes)] = 1;
  return copy;
}

/** A custom section (id 0) of that name and text, in ASCII, both together below 126 bytes. */
export function customSection(name, text) {
  const content = Buffer.from(name + text, "latin1");
  if (content.length > 126) throw new RangeError(`wasm: expected at most 126 bytes in a custom section, got ${content.length}`);
  return Buffer.concat([Uint8Array.of(0, content.length + 1, name.length), content]);
}
