// The numbers that both sides of the linear memory agree on. Read by the AssemblyScript compiler and by TypeScript
// alike, so it holds enums and plain numbers only: activation, loss and optimizer codes, instruction opcodes, sizes.

/** Activation functions, in the order of the public contract. */
export enum ActivationCode {
  linear = 0,
  sigmoid = 1,
  tanh = 2,
  relu = 3,
  leakyRelu = 4,
  prelu = 5,
  softmax = 6,
  elu = 7,
  selu = 8,
  gelu = 9,
  geluTanh = 10,
  silu = 11,
  mish = 12,
  softplus = 13,
  softsign = 14,
  relu6 = 15,
  hardSigmoid = 16,
  hardTanh = 17,
  exponential = 18,
}

/** Losses as the core computes them: the contract's nine, and the fused forms of the cross-entropies. */
export enum LossCode {
  meanSquaredError = 0,
  meanAbsoluteError = 1,
  huber = 2,
  logCosh = 3,
  binaryCrossEntropy = 4,
  hinge = 5,
  poisson = 6,
  klDivergence = 7,
  /** binaryCrossEntropy after sigmoid, from the weighted sums. */
  sigmoidCrossEntropy = 8,
  /** crossEntropy after softmax, from the weighted sums. */
  softmaxCrossEntropy = 9,
  /** klDivergence after softmax, from the weighted sums. */
  softmaxDivergence = 10,
  /** binaryCrossEntropy after softmax, from the weighted sums. */
  softmaxBinary = 11,
}

/** What counts as a right prediction of a row. */
export enum HitMode {
  none = 0,
  /** One hit where the greatest output and the greatest target have the same index. */
  argMax = 1,
  /** One hit for each output that passes its threshold where its target passes its own, and for each where neither does. */
  threshold = 2,
}

/** Update rules. */
export enum OptimizerCode {
  sgd = 0,
  rmsprop = 1,
  adagrad = 2,
  adam = 3,
  adamw = 4,
  nadam = 5,
  lion = 6,
}

/** Weight initialisers that draw numbers; the constant ones are plain fills. */
export enum InitCode {
  constant = 0,
  /** low + (high − low)·u, u in [0, 1). */
  uniform = 1,
  /** mean + deviation·Φ⁻¹(u). */
  normal = 2,
}

/** Streams of the random generator: each purpose draws from its own. */
export enum Stream {
  weights = 1,
  biases = 2,
  shuffle = 3,
  split = 4,
  dropout = 5,
  /** The order within a chunk of a source, a part for each chunk of an epoch. */
  chunks = 6,
}

/** Words of 4 bytes in an instruction of the tape. */
export const INSTRUCTION_WORDS = 20;

/** Opcodes: the first word of an instruction. The other words are named by the enum of the same name. */
export enum Op {
  /** Copies the batch's samples and targets from the window, by index. */
  gather = 1,
  /** Z = X·Wᵀ + b and A = f(Z), by column panels. */
  denseForward = 2,
  /** A = softmax(Z), by rows. */
  softmaxForward = 3,
  /** Loss of each row and the gradient of the outputs, by rows. */
  loss = 4,
  /** dZ from dA through softmax, by rows. */
  softmaxBackward = 5,
  /** dZ = dA·f'(Z) and the sums of its columns (biases, slopes), by columns. */
  activationBackward = 6,
  /** dW = dZᵀ·X, by column panels. */
  weightGradient = 7,
  /** dX = dZ·W, by column panels. */
  inputGradient = 8,
  /** One slope gradient for the layer from those of its units. */
  sumSlopes = 9,
  /** dW += l1·sign W + 2·l2·W, and the penalty's value, by blocks. */
  penalty = 10,
  /** Loss, hits of the step: sums of rows and blocks in order; ends the play when the loss is not finite. */
  finish = 11,
  /** Sums of squares of the gradient, by blocks. */
  gradientSquares = 12,
  /** Scales the gradient to the allowed norm. */
  clipNorm = 13,
  /** Bounds each element of the gradient. */
  clipValue = 14,
  /** The optimizer's step over a run of parameters. */
  update = 15,
  /** y = f(W·x + b) of a single sample, by units. */
  denseSingle = 16,
  /** Y = X·mask / (1 − rate), and the mask, by columns. */
  dropoutForward = 17,
  /** dX = dY·mask / (1 − rate), by columns. */
  dropoutBackward = 18,
  /** Y from X by the mean and variance of each column, those of the batch or the running ones, by columns. */
  batchNormForward = 19,
  /** dGain, dShift and dX, by columns. */
  batchNormBackward = 20,
  /** Running statistics follow those of the batch, by columns. */
  runningStatistics = 21,
  /** Y from X by the mean and variance of each row, by rows. */
  layerNormForward = 22,
  /** dGain and dShift, by columns. */
  layerNormSums = 23,
  /** dX, by rows. */
  layerNormBackward = 24,
  /** The exponential average of a run of parameters, after its update. */
  average = 32,
  /** Figures of each column of a layer's sums and activations, by columns. */
  columnFigures = 40,
  /** The spread of a matrix's elements. */
  histogram = 41,
}

/** Rows and columns of the matrix product's micro-kernel, its rows in the relaxed build, and its longest block of k. */
export const MR = 5;
export const NR = 8;
export const RELAXED_MR = 6;
export const KC = 512;

/** The forward's longest block of k: five rows of weights (20 KB) in a first-level cache, past which panels of eight samples stream. */
export const FORWARD_KC = 1024;

/** Floats of the panels of B that are packed at a time, at most: 32 KB, which lies in a first-level cache of 48 KB beside a tile of A (10 KB). */
export const PANEL_FLOATS = 2 * KC * NR;

/** Floats of A that are packed at a time, at most: 520 KB, half of a second-level cache; 260 rows of a whole block of k. Of the forward's samples likewise. */
export const PACKED_FLOATS = 52 * MR * KC;

/** Bytes of a thread's scratch before the panels, a tile and a bias of either build in whole lines of cache; and before the packed rows of A. */
export const SPARE_BYTES = 256;
export const PANEL_BYTES = SPARE_BYTES + PANEL_FLOATS * 4;

/** Columns up to which softmax and its cross-entropy take four rows at a time: a longer row fills enough vectors by itself. */
export const NARROW = 16;

/** Floats in a block of `penalty`, `gradientSquares` and of partial sums: fixed, so that sums do not depend on threads. */
export const BLOCK = 4096;

export enum Gather {
  window = 1, samples = 2, sampleStride = 3, width = 4, order = 5,
  targetWindow = 6, targets = 7, targetStride = 8, outputs = 9,
  /** 1 where the window holds one class index a sample. */
  classes = 10,
  /** Label smoothing, f32. */
  smoothing = 11,
  /** Window of sample weights and where the batch's go, or 0. */
  weightWindow = 12, weights = 13,
}

export enum DenseForward {
  input = 1, inputStride = 2, inputs = 3, weights = 4, biases = 5, sums = 6, activations = 7, stride = 8, units = 9,
  activation = 10, parameter = 11, slopes = 12, sharedSlope = 13,
}

export enum SoftmaxForward {
  sums = 1, activations = 2, stride = 3, units = 4,
}

export enum Loss {
  code = 1, parameter = 2, sums = 3, activations = 4, targets = 5, gradient = 6, stride = 7, outputs = 8, weights = 9,
  /** 1 where the loss is a mean over outputs too. */
  overOutputs = 10,
  values = 11, hits = 12, hitMode = 13,
  /** f32: what outputs and targets must exceed to count as class 1. */
  outputThreshold = 14, targetThreshold = 15,
}

export enum SoftmaxBackward {
  activations = 1, gradient = 2, stride = 3, units = 4,
}

export enum ActivationBackward {
  sums = 1, activations = 2, gradient = 3, stride = 4, units = 5, activation = 6, parameter = 7, slopes = 8, sharedSlope = 9,
  dBiases = 10, dSlopes = 11,
}

export enum WeightGradient {
  gradient = 1, gradientStride = 2, units = 3, input = 4, inputStride = 5, inputs = 6, dWeights = 7,
}

export enum InputGradient {
  gradient = 1, gradientStride = 2, units = 3, weights = 4, inputs = 5, dInput = 6, dInputStride = 7,
}

export enum SumSlopes {
  unitSlopes = 1, units = 2, dSlope = 3,
}

export enum Penalty {
  weights = 1, dWeights = 2, length = 3, l1 = 4, l2 = 5, partials = 6,
}

export enum Finish {
  values = 1, hits = 2, partials = 3, partialCount = 4,
  /** Outputs where the loss is a mean over them, else 1. */
  divisor = 5,
}

export enum GradientSquares {
  gradient = 1, length = 2, partials = 3,
}

export enum ClipNorm {
  gradient = 1, length = 2, partials = 3, partialCount = 4, norm = 5,
}

export enum ClipValue {
  gradient = 1, length = 2, value = 3,
}

/** Constants are f32; `firstSlot` and `secondSlot` the optimizer's, or 0. */
export enum Update {
  code = 1, parameters = 2, gradient = 3, firstSlot = 4, secondSlot = 5, length = 6,
  c0 = 7, c1 = 8, c2 = 9, c3 = 10, c4 = 11, c5 = 12,
}

export enum Average {
  average = 1, parameters = 2, length = 3,
}

export enum DenseSingle {
  input = 1, inputs = 2, weights = 3, biases = 4, output = 5, units = 6, activation = 7, parameter = 8, slopes = 9, sharedSlope = 10,
}

/** `mask` has a byte for each row of each panel of 8 columns; `threshold` is u32: words of the generator below it drop. */
export enum Dropout {
  input = 1, inputStride = 2, output = 3, stride = 4, units = 5, mask = 6, threshold = 7,
  /** f32: 1 / (1 − rate). */
  scale = 8,
  seedLow = 9, seedHigh = 10, layer = 11,
}

/** `statistics` has NORM_ROWS rows of `units` floats, rounded up to whole panels. */
export enum BatchNorm {
  input = 1, inputStride = 2, output = 3, stride = 4, units = 5, gain = 6, shift = 7, statistics = 8, runningMean = 9, runningVariance = 10,
  /** f32. */
  epsilon = 11,
  /** 1 where the batch's own statistics normalise, as far as it has any. */
  training = 12,
  /** Of the backward: dY, which becomes dX; where the sums go; 1 where dX is needed. */
  gradient = 13, dGain = 14, dShift = 15, passes = 16,
}

export enum RunningStatistics {
  statistics = 1, runningMean = 2, runningVariance = 3, units = 4,
  /** f32. */
  momentum = 5,
}

/** `statistics` has NORM_ROWS floats for each row. */
export enum LayerNorm {
  input = 1, inputStride = 2, output = 3, stride = 4, units = 5, gain = 6, shift = 7, statistics = 8,
  /** f32. */
  epsilon = 9,
  /** Of the backward, as of BatchNorm. */
  gradient = 10, dGain = 11, dShift = 12,
}

/** Rows of a batch normalisation's statistics: mean, what f32 leaves out of it, 1 / deviation, biased variance. And floats of a row's in a layer normalisation: the first three, and one of padding. */
export const NORM_ROWS = 4;
/** What lies at `figures` is described in assembly/statistics.ts. */
export enum ColumnFigures {
  sums = 1, activations = 2,
  /** What the bounds of saturation are about: sums, or softmax's activations. */
  measured = 3,
  stride = 4, units = 5, figures = 6,
  /** Bounds, f32. */
  low = 7, innerLow = 8, innerHigh = 9, high = 10,
  /** f32: an activation of 0 has derivative 0 too where its weighted sum is below this. */
  flatBelow = 11,
  slopes = 12, sharedSlope = 13,
  /** Figures of the first of so many parts of the rows. */
  every = 14,
}

export enum Histogram {
  values = 1, stride = 2, units = 3,
  /** The least and greatest value of each column. */
  least = 4, greatest = 5,
  histogram = 6,
  /** Counts the first of so many parts of the rows. */
  every = 7,
}

/** Most bins of a histogram, and its bytes. */
export const BINS = 64;
export const HISTOGRAM_BYTES = 16 + 8 * BINS;

/** Words of 4 bytes that the figures of a column take, of one matrix and of two, and where the second's begin. */
export const FIGURE_WORDS = 9;
export const BOTH_FIGURE_WORDS = 16;

/** f64 words in a step record: what changes from step to step. */
export const STEP_WORDS = 16;

/** Fields of a step record. `loss` and `hits` are written by the core, the others by the caller. */
export enum Step {
  /** Place of the batch's first sample in the order. */
  first = 0,
  rows = 1,
  /** 1 / sum of the batch's weights. */
  inverseWeight = 2,
  loss = 3,
  hits = 4,
  /** Numbers of the optimizer's step; see assembly/optimizers.ts. */
  rate0 = 5, rate1 = 6, rate2 = 7, rate3 = 8,
  /** What dropout draws by, below 2^32: the epoch over all fits, and the step in it from 0. */
  epoch = 9, step = 10,
  /** Factors of the average so far and of the parameters; their sum is 1. */
  averageKeep = 14, averageTake = 15,
}

/** Bits of a job's word, and of the word of members, that hold how many there are; the bits above count jobs and engagements. */
export const JOB_SHARES = 511;

/** How a team of threads stands. */
export enum TeamState {
  open = 0,
  /** The fit is over: members leave. */
  dismissed = 1,
  /** A member has failed: all leave. */
  broken = 2,
}

/**
 * The control block of a team, as byte offsets; see assembly/barrier.ts. Words that some write while others spin on theirs
 * lie on lines of 64 bytes of their own.
 */
export enum Control {
  /** Number of the job, and how many shares it has: 0 while none is open. */
  job = 0,
  /** Threads that sleep at a share, and at `job`. */
  sleepers = 64, idlers = 68,
  /** Number of the engagement, and how many have joined; and how many have left. */
  members = 128, left = 132,
  state = 192,
  /** The job: its tape and records, the position at which it begins, where the shares' lines and the panels are. */
  tape = 256, count = 260, steps = 264, firstStep = 268, lastStep = 272, position = 276, shares = 280, panel = 284, panelBytes = 288,
  /** Rounds that a thread spins before it sleeps; microseconds that a thread naps that finds nothing to do, 0 for never. */
  spin = 292, nap = 296,
  /** Where thread 0 stands when it leaves in the middle of a wait. */
  resumePosition = 320, resumeStep = 324, resumeAt = 328,
}

export const CONTROL_BYTES = 384;

/** What playTogether returns in place of a number of steps. */
export enum Played {
  /** A share that another thread has claimed was not done in time: call again with `resume`. */
  stalled = -1,
  /** A thread has failed. */
  broken = -2,
}
