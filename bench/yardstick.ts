// What the guard's ratios are to: a product of a dense layer in its plainest fast form, which is never to be made faster.
//
//   C[m × n] = A[m × k] · B[n × k]ᵀ,  m a multiple of 4, n of 8, k of 4, rows without gaps
//
// As the library's kernel it packs B by shuffles and multiplies tiles out of the panel, so what slows that one down for a reason
// of the machine (another thread on the same core, a busy cache, another processor's balance of loads and sums) slows this too.

/** Four rows of four as columns, 32 bytes apart. */
@inline
function storeColumns(b: usize, ldb: usize, panel: usize): void {
  const r0 = v128.load(b), r1 = v128.load(b + ldb), r2 = v128.load(b + 2 * ldb), r3 = v128.load(b + 3 * ldb);
  const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5), high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(panel, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
  v128.store(panel, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7), 32);
  v128.store(panel, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5), 64);
  v128.store(panel, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7), 96);
}

/** C[4 × 8] = A[4 × k] · panel[k × 8]. */
function tile(k: i32, a: usize, lda: usize, panel: usize, c: usize, ldc: usize): void {
  let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00;
  let a1 = a + lda, a2 = a + 2 * lda, a3 = a + 3 * lda;
  for (const end = panel + (<usize>k << 5); panel < end; panel += 32) {
    const b0 = v128.load(panel), b1 = v128.load(panel, 16);
    let x = v128.load32_splat(a);
    c00 = f32x4.add(c00, f32x4.mul(x, b0));
    c01 = f32x4.add(c01, f32x4.mul(x, b1));
    x = v128.load32_splat(a1);
    c10 = f32x4.add(c10, f32x4.mul(x, b0));
    c11 = f32x4.add(c11, f32x4.mul(x, b1));
    x = v128.load32_splat(a2);
    c20 = f32x4.add(c20, f32x4.mul(x, b0));
    c21 = f32x4.add(c21, f32x4.mul(x, b1));
    x = v128.load32_splat(a3);
    c30 = f32x4.add(c30, f32x4.mul(x, b0));
    c31 = f32x4.add(c31, f32x4.mul(x, b1));
    a += 4; a1 += 4; a2 += 4; a3 += 4;
  }
  v128.store(c, c00); v128.store(c, c01, 16);
  c += ldc;
  v128.store(c, c10); v128.store(c, c11, 16);
  c += ldc;
  v128.store(c, c20); v128.store(c, c21, 16);
  c += ldc;
  v128.store(c, c30); v128.store(c, c31, 16);
}

/** a, b, c, panel (32·k bytes): byte offsets, 16-aligned. c is written. */
export function product(m: i32, n: i32, k: i32, a: usize, b: usize, c: usize, panel: usize): void {
  const ld = <usize>k << 2, ldc = <usize>n << 2;
  for (let column = 0; column < n; column += 8) {
    const rows = b + <usize>column * ld;
    for (let p = 0; p < k; p += 4) {
      const to = panel + (<usize>p << 5), from = rows + (<usize>p << 2);
      storeColumns(from, ld, to);
      storeColumns(from + 4 * ld, ld, to + 16);
    }
    for (let row = 0; row < m; row += 4) tile(k, a + <usize>row * ld, ld, panel, c + <usize>row * ldc + (<usize>column << 2), ldc);
  }
}
