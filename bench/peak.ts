// The limit that kernels are measured against: multiply and add of f32x4 without FMA, as many as the core retires.
// The tile of assembly/gemm.ts with A in registers: 8 accumulators, two loads of B from the first-level cache a round,
// 16 floating-point instructions that do not wait for one another. Compiled by bench/run.mjs, not part of the library.

/** `rounds` rounds of 8 multiplies and 8 adds of 4 lanes (64 operations) over 4 KB at `ptr`; the sum keeps them alive. */
export function peak(ptr: usize, rounds: i32): f32 {
  const a0 = v128.load32_splat(ptr), a1 = v128.load32_splat(ptr, 4), a2 = v128.load32_splat(ptr, 8), a3 = v128.load32_splat(ptr, 12);
  let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00;
  let at: usize = 0;
  for (let i = 0; i < rounds; ++i) {
    const b0 = v128.load(ptr + at);
    const b1 = v128.load(ptr + at, 16);
    c00 = f32x4.add(c00, f32x4.mul(a0, b0));
    c01 = f32x4.add(c01, f32x4.mul(a0, b1));
    c10 = f32x4.add(c10, f32x4.mul(a1, b0));
    c11 = f32x4.add(c11, f32x4.mul(a1, b1));
    c20 = f32x4.add(c20, f32x4.mul(a2, b0));
    c21 = f32x4.add(c21, f32x4.mul(a2, b1));
    c30 = f32x4.add(c30, f32x4.mul(a3, b0));
    c31 = f32x4.add(c31, f32x4.mul(a3, b1));
    at = (at + 32) & 4095;
  }
  const sum = f32x4.add(f32x4.add(f32x4.add(c00, c01), f32x4.add(c10, c11)), f32x4.add(f32x4.add(c20, c21), f32x4.add(c30, c31)));
  return f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1) + f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3);
}
