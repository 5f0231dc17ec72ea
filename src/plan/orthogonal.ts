// A matrix of normal draws made orthogonal: its rows where it is wide, its columns where it is tall, so that W·Wᵀ or Wᵀ·W
// is the identity. Gram-Schmidt in f64 done twice ("twice is enough", Kahan and Parlett), with + − × ÷ and √ alone, so that
// the bits are the same everywhere. What it leaves is distributed as the Q of a QR decomposition with positive diagonal
// (Saxe, McClelland and Ganguli 2013, arXiv:1312.6120; Mezzadri 2007 for the sign).

/** Orthogonalises `matrix` [rows × columns], row-major, in place. */
export function orthogonalMatrix(matrix: Float32Array, rows: number, columns: number): void {
  const wide = columns >= rows;
  const count = wide ? rows : columns;
  const length = wide ? columns : rows;
  const vectors = Array.from({ length: count }, (_, i) =>
    Float64Array.from({ length }, (_, k) => (wide ? matrix[i * columns + k] : matrix[k * columns + i])));
  for (let i = 0; i < count; i++) {
    const vector = vectors[i];
    for (let pass = 0; pass < 2; pass++) {
      for (let j = 0; j < i; j++) subtractProjection(vector, vectors[j]);
      const norm = Math.sqrt(dot(vector, vector));
      for (let k = 0; k < length; k++) vector[k] /= norm;
    }
  }
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < length; k++) matrix[wide ? i * columns + k : k * columns + i] = vectors[i][k];
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k] * b[k];
  return sum;
}

/** vector ← vector − ⟨vector, unit⟩·unit. */
function subtractProjection(vector: Float64Array, unit: Float64Array): void {
  const share = dot(vector, unit);
  for (let k = 0; k < vector.length; k++) vector[k] -= share * unit[k];
}
