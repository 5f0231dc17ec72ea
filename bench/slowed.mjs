// The product kernel about 1.5 times slower, to show that the guard notices: compiled from a copy of its sources.
//
// Every multiply-and-add of the kernels is one function. In the copy its product is multiplied by 1 once more, which leaves the value as it
// is: three operations of vectors in place of two. Measured on Zen 5, products of the guard's shapes: 1.59 times as long.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const sources = fileURLToPath(new URL("../assembly", import.meta.url));
const FIND = "f32x4.add(sum, f32x4.mul(a, b))";
const PUT = "f32x4.add(sum, f32x4.mul(f32x4.mul(a, b), f32x4.splat(1)))";

/** The binary of assembly/gemm.ts and forward.ts with the slower multiply-and-add, compiled as the release is. */
export async function compileSlowed() {
  const copy = mkdtempSync(join(tmpdir(), "rosenblatt-slowed-"));
  try {
    cpSync(sources, copy, { recursive: true });
    const file = join(copy, "simd.ts");
    const source = readFileSync(file, "utf8");
    if (source.split(FIND).length !== 2) {
      throw new Error(`assembly/simd.ts: expected ${FIND} once. Name in bench/slowed.mjs what the micro-kernels multiply and add by`);
    }
    writeFileSync(file, source.replace(FIND, PUT));
    const { error, stderr } = await asc.main([
      "gemm.ts", "forward.ts", "--baseDir", copy, "-o", "slowed.wasm", "--runtime", "stub", "--enable", "simd", "--enable", "threads", "--importMemory", "--sharedMemory",
      "--initialMemory", "1", "--maximumMemory", "65536", "--noExportMemory", "-O3", "--converge", "--noAssert", "--use", "abort=",
    ]);
    if (error) throw new Error(`${error.message}\n${stderr}`);
    return readFileSync(join(copy, "slowed.wasm"));
  } finally {
    rmSync(copy, { recursive: true });
  }
}
