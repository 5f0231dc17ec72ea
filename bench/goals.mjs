// What the figures are held against: ratios of ours to a peer or to the limit, so that they mean the same on every machine.

/** Training, one thread each: samples a second, ours over the peer's. */
export const training = {
  pytorch: { T1: 500, T2: 100, T3: 8, T4: 0.75, T5: 0.45, T6: 0.34 },
  "tfjs-wasm": { T2: 10, T3: 10, T4: 10, T5: 10, T6: 10 },
  synaptic: { T1: 3 },
};
/** Geometric mean over T2 to T6 against tfjs-wasm. */
export const trainingMean = 30;

/** One prediction: the peer's time over ours. */
export const single = { "onnxruntime-node": { T5: 1, T6: 1 }, "onnxruntime-web": { T5: 1.15, T6: 1.15 } };
/** One prediction in µs. */
export const singleMicroseconds = { T1: 0.6, T2: 0.6, T3: 0.8, T4: 6.5 };

/** Batches of 1,024: samples a second, ours over the peer's. */
export const batch = { "tfjs-wasm": { T4: 1.5, T5: 1.35 } };

/** Training on one thread: share of the SIMD peak. */
export const share = { T4: 0.82, T5: 0.88, T6: 0.9 };

/** Two threads over one. */
export const twoThreads = { T1: 1, T2: 1, T3: 1.3, T4: 1.7, T5: 1.85, T6: 1.85 };
/** Four threads on two cores over two. */
export const fourOverTwo = 0.85;

/** From process start to the first prediction of T2, over an empty script. */
export const coldStartMs = 50;
