// The planted faults: each is one edit that a person could have made by mistake, and the tests that have to notice it.
// `find` occurs exactly once in `file`; `tests` are files, of which those tests run whose names match `only`.

const GEMM = ["test/kernels/gemm.test.ts"];
const DENSE = ["test/kernels/dense.test.ts"];
const SMALL = ["test/kernels/small.test.ts"];
const ACTIVATIONS = ["test/kernels/activations.test.ts"];
const LOSSES = ["test/kernels/losses.test.ts"];
const OPTIMIZERS = ["test/kernels/optimizers.test.ts"];
const GATHER = ["test/kernels/gather.test.ts"];
const RANDOM = ["test/kernels/random.test.ts"];
const TAPE = ["test/kernels/tape.test.ts"];
const TRAJECTORIES = ["test/trajectories.test.ts"];
const FIT = ["test/fit.test.ts"];
const THREADS = ["test/threads.test.ts"];
const DESCRIBE = ["test/describe.test.ts"];
const GRADIENTS = ["test/gradients.test.ts"];
const NORMS = ["test/kernels/norms.test.ts"];
const LAYERS = ["test/layers.test.ts"];
const AVERAGE = ["test/average.test.ts"];
const STREAM = ["test/stream.test.ts"];
const CUSTOM = ["test/custom-activation.test.ts"];
const FOLDS = ["test/crossvalidate.test.ts"];
const DIAGNOSIS = ["test/diagnosis.test.ts"];

/** @type {{ name: string, what: string, file: string, find: string, put: string, tests: string[], only?: string }[]} */
export const faults = [
  // figures of a diagnosis
  {
    name: "figures-first-chunk", what: "the figures of each chunk begin anew", file: "assembly/tape.ts",
    find: "address(at, ColumnFigures.figures), stepNumber(step, Step.first) == 0,", put: "address(at, ColumnFigures.figures), true,", tests: DIAGNOSIS, only: "for every activation",
  },
  {
    name: "figures-other-half", what: "the squares of two columns are those of their neighbours", file: "assembly/statistics.ts",
    find: "squaresHigh = f64x2.add(squaresHigh, f64x2.mul(high, high));", put: "squaresHigh = f64x2.add(squaresHigh, f64x2.mul(low, low));", tests: DIAGNOSIS, only: "for every activation",
  },
  {
    name: "figures-at-the-bound", what: "a unit at its bound is not saturated", file: "assembly/statistics.ts",
    find: "v128.or(f32x4.le(m, low), f32x4.ge(m, high))", put: "v128.or(f32x4.lt(m, low), f32x4.ge(m, high))", tests: DIAGNOSIS, only: "diagnose",
  },
  {
    name: "figures-zero-crossing", what: "an activation of 0 counts as dead whatever its derivative", file: "assembly/statistics.ts",
    find: "v128.and(f32x4.eq(av, zero), f32x4.lt(zv, below))", put: "f32x4.eq(av, zero)", tests: DIAGNOSIS, only: "for every activation",
  },
  {
    name: "histogram-merge", what: "bins that become wider leave their counts where they were", file: "assembly/statistics.ts",
    find: "(before + i >> doublings) - base", put: "before + i - base", tests: DIAGNOSIS, only: "for every activation",
  },
  {
    name: "histogram-last-columns", what: "the last columns of a row are not counted", file: "assembly/statistics.ts",
    find: "for (; column < units; ++column) count(", put: "for (; column < units - 1; ++column) count(", tests: DIAGNOSIS, only: "for every activation",
  },
  // the matrix product and the dense layer
  {
    name: "gemm-one-lane", what: "one lane of the panel takes its neighbour, behind the last whole block of 4 k", file: "assembly/gemm.ts",
    find: "store<f32>(to, load<f32>(b6 + at), 24);", put: "store<f32>(to, load<f32>(b5 + at), 24);", tests: GEMM, only: "gemm NT",
  },
  {
    name: "gemm-swapped-rows", what: "two rows of B swapped as they are packed", file: "assembly/gemm.ts",
    find: "storeTransposed(v128.load(b4 + at), v128.load(b5 + at), v128.load(b6 + at)", put: "storeTransposed(v128.load(b4 + at), v128.load(b6 + at), v128.load(b5 + at)",
    tests: GEMM, only: "gemm NT",
  },
  {
    name: "gemm-last-column", what: "the last column of a partial panel is not copied", file: "assembly/gemm.ts",
    find: "storeColumns(to + 16, loadColumns(from + 16, columns - 4), columns - 4);", put: "storeColumns(to + 16, loadColumns(from + 16, columns - 4), columns - 5);",
    tests: GEMM, only: "gemm NN",
  },
  {
    name: "gemm-bottom-edge", what: "a tile of four rows is stored as five", file: "assembly/gemm.ts",
    find: "if (rows >= ROWS && rest >= NR)", put: "if (rows >= ROWS - 1 && rest >= NR)", tests: GEMM, only: "gemm TN",
  },
  {
    name: "gemm-fifth-row", what: "the fifth row of a tile takes a neighbouring k", file: "assembly/gemm.ts",
    find: "v128.store32_lane(to + 56, fifth, 2);", put: "v128.store32_lane(to + 56, fifth, 1);", tests: GEMM, only: "gemm NN",
  },
  {
    name: "gemm-block-boundary", what: "the second block of k starts anew", file: "assembly/gemm.ts",
    find: "ldc, first == 0 ? start : FROM_C, scratch);", put: "ldc, first <= KC ? start : FROM_C, scratch);", tests: GEMM, only: "across blocks",
  },
  {
    name: "dense-slopes-of-first-group", what: "units from 40 on take the slopes of the first", file: "assembly/forward.ts",
    find: "parameter, sharedSlope ? slopes : slopes + at, sharedSlope);", put: "parameter, slopes, sharedSlope);", tests: DENSE,
  },
  {
    name: "forward-fifth-unit", what: "the fifth unit of a tile's third and fourth sample are swapped as they are stored", file: "assembly/forward.ts",
    find: "v128.store32_lane(z + 2 * stride + 16, fifth, 2);\n    v128.store32_lane(z + 3 * stride + 16, fifth, 3);",
    put: "v128.store32_lane(z + 2 * stride + 16, fifth, 3);\n    v128.store32_lane(z + 3 * stride + 16, fifth, 2);", tests: GEMM, only: "gemm NT",
  },
  {
    name: "forward-half-of-five", what: "five samples are taken for four", file: "assembly/forward.ts",
    find: "if (count > 4) {", put: "if (count > 5) {", tests: GEMM, only: "gemm NT",
  },
  {
    name: "forward-starts-anew", what: "the second block of k starts from the bias again", file: "assembly/forward.ts",
    find: "stride, first > 0,", put: "stride, first > FORWARD_KC,", tests: GEMM, only: "gemm NT gives the chain across blocks",
  },
  {
    name: "single-without-a-chain", what: "a lone prediction leaves out one of six chains", file: "assembly/dense.ts",
    find: "store<f32>(y2, sumLanes(f32x4.add(s2, t2)));", put: "store<f32>(y2, sumLanes(f32x4.add(s2, t1)));", tests: DENSE, only: "denseSingle",
  },
  // small layers, and rows side by side
  {
    name: "small-missing-row", what: "a tile of three rows computes the second twice", file: "assembly/small.ts",
    find: "const step3: usize = m > 3 ? 3 : step2;\n    let a0 = a, a1 = a + step1 * lda, a2 = a + step2 * lda, a3 = a + step3 * lda;\n    let s0 = ",
    put: "const step3: usize = m > 3 ? 3 : step1;\n    let a0 = a, a1 = a + step1 * lda, a2 = a + step1 * lda, a3 = a + step3 * lda;\n    let s0 = ", tests: SMALL, only: "smallForward",
  },
  {
    name: "small-behind-the-weights", what: "what lies behind W goes into the padding of dX", file: "assembly/small.ts",
    find: "v128.store(start, laneMask(high ? columns - 4 : columns), 32);", put: "v128.store(start, laneMask(4), 32);", tests: SMALL, only: "smallInputGradient",
  },
  {
    name: "small-single-rest", what: "the last inputs of a lone sample reach three units of four", file: "assembly/small.ts",
    find: "s3 = multiplyAdd(s3, v, loadPartial(w3 + whole, rest));", put: "", tests: SMALL, only: "smallSingle",
  },
  {
    name: "narrow-first-of-equals", what: "rows side by side: the greatest is the last of equals", file: "assembly/losses.ts",
    find: "return v128.and(f32x4.gt(z, m), exists);", put: "return v128.and(f32x4.ge(z, m), exists);", tests: SMALL, only: "hits by the greatest",
  },
  // dropout and the normalisations
  {
    name: "batch-norm-rest", what: "what f32 leaves out of a mean is forgotten", file: "assembly/norms.ts",
    find: "v128.store(at + pitch, demotePairs(restLow, restHigh));", put: "v128.store(at + pitch, f32x4.splat(0));", tests: NORMS, only: "batchNorm",
  },
  {
    name: "batch-norm-biased", what: "the running variance follows the biased one", file: "assembly/norms.ts",
    find: "const unbiased = <f64>rows / <f64>(rows - 1);", put: "const unbiased: f64 = 1;", tests: NORMS, only: "running statistics follow",
  },
  {
    name: "batch-norm-of-one-row", what: "a batch of one row is normalised by itself", file: "assembly/norms.ts",
    find: "return training && rows > 1;", put: "return training;", tests: LAYERS, only: "batches of one row",
  },
  {
    name: "batch-norm-backward-without-mean", what: "the gradient's mean over the batch is not taken away", file: "assembly/norms.ts",
    find: "const g1 = batch ? demotePairs(f64x2.div(s2, n), f64x2.div(s3, n)) : zero;", put: "const g1 = zero;", tests: NORMS, only: "batchNorm",
  },
  {
    name: "layer-norm-tail", what: "lanes behind the row count in its variance", file: "assembly/norms.ts",
    find: "v128.and(f32x4.sub(loadPartial(from + whole, tail), means), laneMask(tail))", put: "f32x4.sub(loadPartial(from + whole, tail), means)", tests: NORMS, only: "layerNorm",
  },
  {
    name: "layer-norm-backward-without-mean", what: "the gradient's mean over a row is not taken away", file: "assembly/norms.ts",
    find: "const h0 = f32x4.splat(<f32>(sumPairs(s0, s1) / n))", put: "const h0 = f32x4.splat(0)", tests: LAYERS, only: "layerNorm first and last",
  },
  {
    name: "layer-norm-without-barrier", what: "a layer normalisation does not wait for the columns of others", file: "assembly/tape.ts",
    find: "case Op.layerNormForward: return op == Op.layerNormForward;", put: "case Op.layerNormForward: return op == Op.layerNormForward || op == Op.denseForward;", tests: TAPE,
    only: "needs no barrier",
  },
  {
    name: "dropout-backward-high", what: "the upper four columns pass what the lower four kept", file: "assembly/dropout.ts",
    find: "lanesOf(i32x4.shr_u(kept, 4))", put: "lanesOf(kept)", tests: NORMS, only: "drops by Philox",
  },
  {
    name: "dropout-odd-rows", what: "odd rows repeat words of the even ones", file: "assembly/dropout.ts",
    find: "keep1 = i32x4.ge_u(c3, bound);", put: "keep1 = i32x4.ge_u(c1, bound);", tests: NORMS, only: "drops by Philox",
  },
  {
    name: "dropout-same-in-each-step", what: "every step of an epoch drops the same", file: "assembly/dropout.ts",
    find: "c1 = i32x4.splat(step)", put: "c1 = i32x4.splat(0)", tests: LAYERS, only: "dropout, adam",
  },
  {
    name: "dropout-by-place-in-the-play", what: "what is dropped depends on how an epoch is cut into plays", file: "src/train/steps.ts",
    find: "f64[record + Step.step] = (this.step + i) >>> 0;", put: "f64[record + Step.step] = i;", tests: LAYERS, only: "resumed after any step|how the callbacks cut",
  },
  {
    name: "statistics-of-a-lost-step", what: "running statistics follow a batch whose loss is not finite", file: "src/plan/training.ts",
    find: "  const partials = addPenalties(tape, topology, layout);\n  addFinish(tape, topology, layout, plan, partials);",
    put: "  const partials = addPenalties(tape, topology, layout);\n  addRunningStatistics(tape, topology, layout);\n  addFinish(tape, topology, layout, plan, partials);",
    tests: TAPE, only: "nor do running statistics follow",
  },
  // activations
  {
    name: "elu-backward", what: "elu's derivative without alpha", file: "assembly/activations.ts",
    find: "v128.bitselect(d, f32x4.mul(d, f32x4.mul(parameter, exp4(z))), f32x4.gt(z, zero))", put: "v128.bitselect(d, f32x4.mul(d, exp4(z)), f32x4.gt(z, zero))",
    tests: ACTIVATIONS, only: "elu",
  },
  {
    name: "hard-sigmoid-kink", what: "hardSigmoid's derivative at its upper and lower bound", file: "assembly/activations.ts",
    find: "f32x4.lt(f32x4.abs(z), f32x4.splat(3))", put: "f32x4.le(f32x4.abs(z), f32x4.splat(3))", tests: ACTIVATIONS, only: "hardSigmoid",
  },
  {
    name: "prelu-slope-sum", what: "the slope's gradient misses the first row", file: "assembly/activations.ts",
    find: "slopeSum = f32x4.add(slopeSum, v128.andnot(f32x4.mul(dv, zv), positive));",
    put: "if (row > 0) slopeSum = f32x4.add(slopeSum, v128.andnot(f32x4.mul(dv, zv), positive));", tests: ACTIVATIONS, only: "prelu",
  },
  {
    name: "softmax-without-maximum", what: "softmax without the greatest subtracted, in whole vectors", file: "assembly/activations.ts",
    find: "const e = exp4(f32x4.sub(bounded(v128.load(z + at)), top));", put: "const e = exp4(bounded(v128.load(z + at)));", tests: ACTIVATIONS, only: "softmax",
  },
  // losses
  {
    name: "hits-at-the-threshold", what: "an output at the threshold counts as above it", file: "assembly/losses.ts",
    find: "(load<f32>(a + at) > outputThreshold)", put: "(load<f32>(a + at) >= outputThreshold)", tests: LOSSES, only: "hitRows",
  },
  {
    name: "hits-last-of-equals", what: "arg max takes the last of equals", file: "assembly/losses.ts",
    find: "if (value > best) {", put: "if (value >= best) {", tests: LOSSES, only: "hitRows",
  },
  {
    name: "loss-without-weight", what: "a row's loss is not weighted, though its gradient is", file: "assembly/losses.ts",
    find: "store<f64>(values + (<usize>row << 3), weight * value);", put: "store<f64>(values + (<usize>row << 3), value);", tests: LOSSES, only: "meanSquaredError",
  },
  {
    name: "fused-gradient-of-soft-targets", what: "softmax and cross-entropy: the gradient of targets that do not add up to 1", file: "assembly/losses.ts",
    find: "f32x4.sub(f32x4.mul(v128.load(a + at), total), v128.load(t + at))", put: "f32x4.sub(v128.load(a + at), v128.load(t + at))", tests: LOSSES, only: "crossEntropy after softmax",
  },
  // optimizers and penalties
  {
    name: "adam-epsilon", what: "adam's epsilon inside of the bias correction", file: "assembly/optimizers.ts",
    find: "f32x4.add(f32x4.mul(f32x4.sqrt(v), r1), c4)", put: "f32x4.mul(f32x4.add(f32x4.sqrt(v), c4), r1)", tests: OPTIMIZERS, only: "adam",
  },
  {
    name: "rmsprop-epsilon", what: "rmsprop's epsilon under the root", file: "assembly/optimizers.ts",
    find: "let direction = f32x4.div(gradient, f32x4.add(f32x4.sqrt(squares), c2));", put: "let direction = f32x4.div(gradient, f32x4.sqrt(f32x4.add(squares, c2)));",
    tests: OPTIMIZERS, only: "rmsprop",
  },
  {
    name: "nesterov-swapped", what: "momentum and Nesterov's direction in each other's place", file: "assembly/optimizers.ts",
    find: "v128.bitselect(f32x4.add(gradient, f32x4.mul(c0, velocity)), velocity, f32x4.ne(c1, f32x4.splat(0)))",
    put: "v128.bitselect(velocity, f32x4.add(gradient, f32x4.mul(c0, velocity)), f32x4.ne(c1, f32x4.splat(0)))", tests: OPTIMIZERS, only: "sgd",
  },
  {
    name: "adamw-without-decay", what: "adamw does not decay", file: "assembly/optimizers.ts",
    find: "if (code == OptimizerCode.adamw) parameter = f32x4.mul(parameter, r2);", put: "", tests: OPTIMIZERS, only: "adamw",
  },
  {
    name: "subnormal-moments", what: "moments are not flushed to zero", file: "assembly/optimizers.ts",
    find: "return v128.andnot(value, f32x4.lt(v128.and(value, i32x4.splat(0x7fffffff)), f32x4.splat(least)));", put: "return value;", tests: OPTIMIZERS, only: "is ever subnormal",
  },
  {
    name: "l1-sign", what: "l1 pulls negative weights away from zero", file: "assembly/optimizers.ts",
    find: "w < 0 ? -l1 : 0", put: "w < 0 ? l1 : 0", tests: OPTIMIZERS, only: "penaltyRun",
  },
  {
    name: "l2-factor", what: "the gradient of l2 without its factor 2", file: "assembly/optimizers.ts",
    find: "const twice = l2 + l2;", put: "const twice = l2;", tests: OPTIMIZERS, only: "penaltyRun",
  },
  // gather
  {
    name: "gather-off-by-one", what: "every batch after the first begins one sample late", file: "assembly/gather.ts",
    find: "window + <usize>load<u32>(order + (<usize>(first + row) << 2)) * bytes", put: "window + <usize>load<u32>(order + (<usize>(first + row + (first > 0 ? 1 : 0)) << 2)) * bytes",
    tests: GATHER,
  },
  {
    name: "gather-last-element", what: "the last element of a row that no vector holds", file: "assembly/gather.ts",
    find: "for (; at < bytes; at += 4) store<f32>(to + at, load<f32>(from + at));", put: "for (; at + 4 < bytes; at += 4) store<f32>(to + at, load<f32>(from + at));", tests: GATHER,
  },
  {
    name: "label-smoothing", what: "the smoothing is dealt to the other outputs alone", file: "assembly/gather.ts",
    find: "const share: f32 = <f32>(<f64>smoothing / <f64>outputs);", put: "const share: f32 = <f32>(<f64>smoothing / <f64>(outputs - 1));", tests: GATHER, only: "smoothRows",
  },
  // random numbers
  {
    name: "shuffle-biased", what: "no element may stay in its place", file: "assembly/random.ts",
    find: "(<usize>(drawn & 3) << 2)) * <u64>i;", put: "(<usize>(drawn & 3) << 2)) * <u64>(i - 1);", tests: RANDOM, only: "shuffle",
  },
  {
    name: "philox-rounds", what: "nine rounds for ten", file: "assembly/random.ts",
    find: "round < 10;", put: "round < 9;", tests: RANDOM, only: "known answer",
  },
  {
    name: "biases-from-the-weights-stream", what: "biases are drawn from the numbers of the weights", file: "src/initialise.ts",
    find: "spec.biasInit, Stream.biases)", put: "spec.biasInit, Stream.weights)", tests: RANDOM, only: "initialisers",
  },
  {
    name: "glorot-limit", what: "glorotUniform by the inputs alone", file: "src/initialise.ts",
    find: "within(Math.sqrt(6 / both))", put: "within(Math.sqrt(6 / inputs))", tests: RANDOM, only: "initialisers",
  },
  // the player and its shares
  {
    name: "clip-epsilon", what: "the norm is clipped without its epsilon", file: "assembly/tape.ts",
    find: "(sqrt(squares) + 1e-6)", put: "sqrt(squares)", tests: TAPE, only: "instructions",
  },
  {
    name: "hits-of-the-first-row", what: "a step's hits leave out its first row", file: "assembly/tape.ts",
    find: "if (hits) for (let row = 0; row < rows; ++row)", put: "if (hits) for (let row = 1; row < rows; ++row)", tests: FIT, only: "an epoch's report",
  },
  {
    name: "share-of-the-biases", what: "every share writes its sums where the first does", file: "assembly/tape.ts",
    find: "dBiases ? dBiases + skip : 0", put: "dBiases", tests: TAPE, only: "gives the bytes",
  },
  {
    name: "update-without-a-tail", what: "the last parameters of a network are never updated", file: "assembly/tape.ts",
    find: "const blocks = length + 15 >> 4;", put: "const blocks = length >> 4;", tests: TRAJECTORIES, only: "trainBatch",
  },
  {
    name: "wrong-gradient-matrix", what: "the gradient of the inputs is written over the one it is made of", file: "src/plan/gradient.ts",
    find: "[InputGradient.dInput, layout.gradients[1 - here]],", put: "[InputGradient.dInput, layout.gradients[here]],", tests: GRADIENTS,
  },
  // training
  {
    name: "bias-correction", what: "adam without the correction of its first moment", file: "src/train/rates.ts",
    find: "r0 = rate / this.first.of(t);", put: "r0 = rate;", tests: TRAJECTORIES, only: "adam",
  },
  {
    name: "short-batch", what: "the last, shorter batch is averaged over a whole one", file: "src/train/steps.ts",
    find: "f64[record + Step.inverseWeight] = 1 / weight;", put: "f64[record + Step.inverseWeight] = 1 / (weight === rows ? batch : weight);",
    tests: FIT, only: "an epoch's report",
  },
  {
    name: "early-stopping-late", what: "early stopping waits one epoch more", file: "src/train/watch.ts",
    find: "epoch - best.epoch >= earlyStopping.patience", put: "epoch - best.epoch > earlyStopping.patience", tests: FIT, only: "early stopping",
  },
  {
    name: "best-not-restored", what: "restoreBest is ignored", file: "src/train/fit.ts",
    find: "options.earlyStopping?.restoreBest && watch.best.epoch > 0", put: "options.earlyStopping?.restoreBest && watch.best.epoch < 0", tests: FIT, only: "early stopping",
  },
  {
    name: "snapshot-without-slots", what: "a failure restores the parameters, but not the optimizer's slots", file: "src/train/step.ts",
    find: "layout.slots.forEach((slot, i) => core.u8.copyWithin(slot, layout.snapshot + (i + 1) * layout.block, layout.snapshot + (i + 2) * layout.block));", put: "",
    tests: FIT, only: "divergence",
  },
  {
    name: "snapshot-not-restored", what: "a fit that diverges leaves what it has", file: "src/train/fit.ts",
    find: "    if (this.steps.failed) {\n      this.snapshot.restore();", put: "    if (this.steps.failed) {", tests: FIT, only: "divergence",
  },
  {
    name: "schedule-off-by-one", what: "a schedule counts steps from 1", file: "src/train/rates.ts",
    find: "scheduledRate(optimizer.learningRate, progress.steps, progress.plateauScale, math)", put: "scheduledRate(optimizer.learningRate, progress.steps + 1, progress.plateauScale, math)",
    tests: FIT, only: "schedules",
  },
  {
    name: "warm-up-from-zero", what: "the warm-up begins with a rate of 0", file: "src/describe/schedules.ts",
    find: "(rate * (t + 1)) / warmupSteps", put: "(rate * t) / warmupSteps", tests: DESCRIBE, only: "warm up",
  },
  // averages, streams, folds, custom activations
  {
    name: "average-begins-at-the-start", what: "the average begins with the weights before the first step", file: "src/train/steps.ts",
    find: "const keep = this.averaged || count > 0 ? decay : 0;", put: "const keep = decay;", tests: AVERAGE, only: "repeats PyTorch",
  },
  {
    name: "average-not-validated", what: "the weights of training validate", file: "src/train/reports.ts",
    find: "parameters: options.averageWeights === undefined ? undefined : model.layout.average", put: "parameters: undefined", tests: AVERAGE, only: "validates with",
  },
  {
    name: "best-of-training", what: "the weights of training are kept as the best where there is an average", file: "src/train/fit.ts",
    find: "options.averageWeights === undefined ? layout.snapshot : layout.average", put: "layout.snapshot", tests: AVERAGE, only: "best of the averages",
  },
  {
    name: "frozen-averages-stale", what: "what is not averaged stays as it was at the start", file: "src/train/average.ts",
    find: "    core.u8.copyWithin(layout.average + 4 * begin, layout.parameters + 4 * begin, layout.parameters + 4 * run.begin);\n", put: "", tests: AVERAGE, only: "copies what is frozen",
  },
  {
    name: "rest-of-chunk-lost", what: "what a chunk leaves of a batch is not moved to the front of the window", file: "src/train/stream.ts",
    find: "f32.copyWithin(at, at + begin * width, at + end * width);", put: "f32.copyWithin(at, at, at + (end - begin) * width);", tests: STREAM, only: "chunks of any sizes",
  },
  {
    name: "chunks-shuffled-alike", what: "every chunk of an epoch has the same order", file: "src/train/stream.ts",
    find: '"chunks", this.epoch, this.chunkNumber)', put: '"chunks", this.epoch, 0)', tests: STREAM, only: "permutes within",
  },
  {
    name: "source-left-open", what: "a source is not closed when a fit ends early", file: "src/train/source.ts",
    find: "if (iterator?.return === undefined) return;", put: "if (iterator !== undefined) return;", tests: STREAM, only: "third chunk",
  },
  {
    name: "fold-trained-on", what: "the samples that a fold holds out train too", file: "src/train/folds.ts",
    find: "if (held[skipped] === i) skipped++;", put: "if (false) skipped++;", tests: FOLDS, only: "hold each sample out",
  },
  {
    name: "interrupted-step-counted", what: "a step that a custom activation interrupts is counted by the optimizer", file: "src/train/steps.ts",
    find: "if (progress !== undefined) Object.assign(model.progress, progress);", put: "", tests: CUSTOM, only: "comes out of every call",
  },
  // threads
  {
    name: "barrier-left-out", what: "no barrier between the loss, dealt by rows, and the activation's gradient, dealt by columns", file: "assembly/tape.ts",
    find: "case Op.activationBackward: return op == Op.inputGradient || ", put: "case Op.activationBackward: return op == Op.loss || op == Op.inputGradient || ",
    tests: TAPE, only: "needs no barrier",
  },
  {
    name: "share-reported-early", what: "a share counts as done when it is claimed", file: "assembly/barrier.ts",
    find: "return atomic.load<i32>(line, DONE) - position >= 0;", put: "return atomic.load<i32>(line) - position >= 0;", tests: THREADS, only: "takes long",
  },
  {
    name: "failed-job-left-open", what: "the job of a failed team is still open for the next one", file: "src/engine/team.ts",
    find: "    Atomics.store(i32, words + Control.job / 4, (Atomics.load(i32, words + Control.job / 4) & ~JOB_SHARES) + JOB_SHARES + 1);\n", put: "",
    tests: THREADS, only: "by leaving",
  },
  {
    name: "failure-without-snapshot", what: "a worker's failure leaves the fit where it was", file: "src/train/steps.ts",
    find: "if (this.team?.failure !== undefined) this.fail(this.team.failure);", put: "if (this.team?.failure !== undefined) throw this.team.failure;",
    tests: THREADS, only: "by leaving",
  },
  {
    name: "stalled-play-measured", what: "a play that another thread held up counts as a long step, for which the event loop waits", file: "src/train/steps.ts",
    find: "if (finished >= 0) {", put: "{", tests: THREADS, only: "leaves the event loop",
  },
];
