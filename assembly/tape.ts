// The player. A tape is `count` instructions of INSTRUCTION_WORDS words in linear memory; `play` runs them once for each
// step record in [firstStep, lastStep). Each instruction deals its work in shares that end on tile or block borders;
// every share of an instruction must be done before the next instruction starts, and no result depends on how many
// shares there are: an element is summed by one of them, in an order that the shapes fix.
//
//   tape    | op w1 w2 … w19 | op w1 … | …         words of i32, or f32 bits where codes.ts says so
//   steps   | first rows 1/W loss hits rate0 … | … records of STEP_WORDS f64
//   panel   PANEL_BYTES of scratch of this thread

import { BROKEN, REACHED, awaitJob, awaitShare, claim, closeJob, isDone, join, leave, nap, openJob, report, setShare, shareLine } from "./barrier";
import { activationBackward, activationForward, softmaxBackward, softmaxForward } from "./activations";
import {
  ActivationBackward, ActivationCode, Average, BLOCK, BatchNorm, ClipNorm, ClipValue, ColumnFigures, Control, DenseForward, DenseSingle, Dropout, Finish, Gather, GradientSquares, Histogram,
  HitMode, INSTRUCTION_WORDS, InputGradient, JOB_SHARES, LayerNorm, Loss, Op, Penalty, Played, RunningStatistics, SoftmaxBackward, SoftmaxForward, STEP_WORDS, Step, SumSlopes, TeamState, Update,
  WeightGradient,
} from "./codes";
import { denseSingle, inputGradient, weightGradient } from "./dense";
import { dropoutBackward, dropoutForward } from "./dropout";
import { denseForward } from "./forward";
import { gatherClasses, gatherRows, smoothRows } from "./gather";
import { hitRows, lossRows } from "./losses";
import { batchNormBackward, batchNormForward, followStatistics, layerNormBackward, layerNormForward, layerNormSums } from "./norms";
import { averageRun, clampRun, penaltyRun, scaleRun, sumSquares, updateParameters } from "./optimizers";
import { shareBegin } from "./simd";
import { addHistogram, columnFigures } from "./statistics";
import { columnForward, isSmall, smallForward, smallInputGradient, smallSingle, smallWeightGradient } from "./small";

@inline
function word(at: usize, field: i32): i32 {
  return load<i32>(at + (<usize>field << 2));
}

@inline
function address(at: usize, field: i32): usize {
  return load<u32>(at + (<usize>field << 2));
}

@inline
function number(at: usize, field: i32): f32 {
  return load<f32>(at + (<usize>field << 2));
}

@inline
function stepNumber(step: usize, field: i32): f64 {
  return load<f64>(step + (<usize>field << 3));
}

/** Runs share `thread` of `threads` of one instruction. */
export function execute(at: usize, step: usize, thread: i32, threads: i32, panel: usize): void {
  const rows = <i32>stepNumber(step, Step.rows);
  switch (load<i32>(at)) {
    case Op.gather: return gather(at, step, shareBegin(rows, thread, threads), shareBegin(rows, thread + 1, threads));
    case Op.denseForward: {
      const units = word(at, DenseForward.units);
      const panels = units + 7 >> 3;
      const begin = shareBegin(panels, thread, threads) << 3;
      const end = min(shareBegin(panels, thread + 1, threads) << 3, units);
      if (isSmall(word(at, DenseForward.inputs), units)) return forward(at, rows, begin, end, panel);
      return denseForward(rows, begin, end, word(at, DenseForward.inputs), address(at, DenseForward.input), address(at, DenseForward.inputStride),
        address(at, DenseForward.weights), address(at, DenseForward.biases), address(at, DenseForward.sums), address(at, DenseForward.activations),
        address(at, DenseForward.stride), word(at, DenseForward.activation), number(at, DenseForward.parameter), address(at, DenseForward.slopes),
        word(at, DenseForward.sharedSlope) != 0, panel);
    }
    case Op.softmaxForward: {
      const begin = shareBegin(rows, thread, threads);
      const stride = address(at, SoftmaxForward.stride);
      const skip = <usize>begin * stride;
      return softmaxForward(address(at, SoftmaxForward.sums) + skip, address(at, SoftmaxForward.activations) + skip,
        shareBegin(rows, thread + 1, threads) - begin, word(at, SoftmaxForward.units), stride);
    }
    case Op.loss: return loss(at, step, shareBegin(rows, thread, threads), shareBegin(rows, thread + 1, threads));
    case Op.softmaxBackward: {
      const begin = shareBegin(rows, thread, threads);
      const stride = address(at, SoftmaxBackward.stride);
      const skip = <usize>begin * stride;
      return softmaxBackward(address(at, SoftmaxBackward.activations) + skip, address(at, SoftmaxBackward.gradient) + skip,
        shareBegin(rows, thread + 1, threads) - begin, word(at, SoftmaxBackward.units), stride);
    }
    case Op.activationBackward: return backward(at, rows, thread, threads);
    case Op.weightGradient: {
      const inputs = word(at, WeightGradient.inputs);
      const panels = inputs + 7 >> 3;
      const units = word(at, WeightGradient.units);
      const begin = shareBegin(panels, thread, threads) << 3, end = min(shareBegin(panels, thread + 1, threads) << 3, inputs);
      if (isSmall(inputs, units)) {
        return smallWeightGradient(rows, begin, end, units, inputs, address(at, WeightGradient.gradient), address(at, WeightGradient.gradientStride),
          address(at, WeightGradient.input), address(at, WeightGradient.inputStride), address(at, WeightGradient.dWeights));
      }
      return weightGradient(rows, begin, end, units, inputs, address(at, WeightGradient.gradient), address(at, WeightGradient.gradientStride),
        address(at, WeightGradient.input), address(at, WeightGradient.inputStride), address(at, WeightGradient.dWeights), panel);
    }
    case Op.inputGradient: {
      const inputs = word(at, InputGradient.inputs);
      const panels = inputs + 7 >> 3;
      const units = word(at, InputGradient.units);
      const begin = shareBegin(panels, thread, threads) << 3, end = min(shareBegin(panels, thread + 1, threads) << 3, inputs);
      if (isSmall(inputs, units)) {
        return smallInputGradient(rows, begin, end, units, inputs, address(at, InputGradient.gradient), address(at, InputGradient.gradientStride),
          address(at, InputGradient.weights), address(at, InputGradient.dInput), address(at, InputGradient.dInputStride), panel);
      }
      return inputGradient(rows, begin, end, units, inputs, address(at, InputGradient.gradient), address(at, InputGradient.gradientStride),
        address(at, InputGradient.weights), address(at, InputGradient.dInput), address(at, InputGradient.dInputStride), panel);
    }
    case Op.sumSlopes:
      if (thread == 0) sumSlopes(at);
      return;
    case Op.penalty: return penalty(at, thread, threads);
    case Op.finish:
      if (thread == 0) finish(at, step, rows);
      return;
    case Op.gradientSquares: return gradientSquares(at, thread, threads);
    case Op.clipNorm: return clipNorm(at, thread, threads);
    case Op.clipValue: {
      const blocks = blockCount(word(at, ClipValue.length));
      return clampRun(address(at, ClipValue.gradient), shareBegin(blocks, thread, threads) * BLOCK,
        min(shareBegin(blocks, thread + 1, threads) * BLOCK, word(at, ClipValue.length)), number(at, ClipValue.value));
    }
    case Op.update: return update(at, step, thread, threads);
    case Op.average: return average(at, step, thread, threads);
    case Op.denseSingle: {
      const units = word(at, DenseSingle.units);
      const groups = units + 3 >> 2;
      const begin = shareBegin(groups, thread, threads) << 2, end = min(shareBegin(groups, thread + 1, threads) << 2, units);
      if (isSmall(word(at, DenseSingle.inputs), units)) return single(at, begin, end);
      return denseSingle(begin, end, word(at, DenseSingle.inputs),
        address(at, DenseSingle.input), address(at, DenseSingle.weights), address(at, DenseSingle.biases), address(at, DenseSingle.output),
        word(at, DenseSingle.activation), number(at, DenseSingle.parameter), address(at, DenseSingle.slopes), word(at, DenseSingle.sharedSlope) != 0);
    }
    case Op.dropoutForward: {
      const units = word(at, Dropout.units);
      return dropoutForward(rows, columnBegin(units, thread, threads), columnEnd(units, thread, threads), units, address(at, Dropout.input), address(at, Dropout.inputStride),
        address(at, Dropout.output), address(at, Dropout.stride), address(at, Dropout.mask), word(at, Dropout.threshold), number(at, Dropout.scale),
        word(at, Dropout.seedLow), word(at, Dropout.seedHigh), word(at, Dropout.layer), <u32>stepNumber(step, Step.epoch), <u32>stepNumber(step, Step.step), panel);
    }
    case Op.dropoutBackward: {
      const units = word(at, Dropout.units);
      return dropoutBackward(rows, columnBegin(units, thread, threads), columnEnd(units, thread, threads), address(at, Dropout.output), address(at, Dropout.stride),
        address(at, Dropout.mask), number(at, Dropout.scale));
    }
    case Op.batchNormForward: {
      const units = word(at, BatchNorm.units);
      return batchNormForward(rows, columnBegin(units, thread, threads), columnEnd(units, thread, threads), units, address(at, BatchNorm.input), address(at, BatchNorm.inputStride),
        address(at, BatchNorm.output), address(at, BatchNorm.stride), address(at, BatchNorm.gain), address(at, BatchNorm.shift), address(at, BatchNorm.statistics),
        address(at, BatchNorm.runningMean), address(at, BatchNorm.runningVariance), number(at, BatchNorm.epsilon), word(at, BatchNorm.training) != 0);
    }
    case Op.batchNormBackward: {
      const units = word(at, BatchNorm.units);
      return batchNormBackward(rows, columnBegin(units, thread, threads), columnEnd(units, thread, threads), units, address(at, BatchNorm.input), address(at, BatchNorm.inputStride),
        address(at, BatchNorm.gradient), address(at, BatchNorm.stride), address(at, BatchNorm.gain), address(at, BatchNorm.statistics),
        address(at, BatchNorm.dGain), address(at, BatchNorm.dShift), word(at, BatchNorm.training) != 0, word(at, BatchNorm.passes) != 0);
    }
    case Op.runningStatistics: {
      const units = word(at, RunningStatistics.units);
      return followStatistics(rows, columnBegin(units, thread, threads), columnEnd(units, thread, threads), units, address(at, RunningStatistics.statistics),
        address(at, RunningStatistics.runningMean), address(at, RunningStatistics.runningVariance), number(at, RunningStatistics.momentum));
    }
    case Op.layerNormForward:
      return layerNormForward(shareBegin(rows, thread, threads), shareBegin(rows, thread + 1, threads), word(at, LayerNorm.units), address(at, LayerNorm.input),
        address(at, LayerNorm.inputStride), address(at, LayerNorm.output), address(at, LayerNorm.stride), address(at, LayerNorm.gain), address(at, LayerNorm.shift),
        address(at, LayerNorm.statistics), number(at, LayerNorm.epsilon));
    case Op.layerNormSums: {
      const units = word(at, LayerNorm.units);
      return layerNormSums(rows, columnBegin(units, thread, threads), columnEnd(units, thread, threads), address(at, LayerNorm.input), address(at, LayerNorm.inputStride),
        address(at, LayerNorm.gradient), address(at, LayerNorm.stride), address(at, LayerNorm.statistics), address(at, LayerNorm.dGain), address(at, LayerNorm.dShift));
    }
    case Op.layerNormBackward:
      return layerNormBackward(shareBegin(rows, thread, threads), shareBegin(rows, thread + 1, threads), word(at, LayerNorm.units), address(at, LayerNorm.input),
        address(at, LayerNorm.inputStride), address(at, LayerNorm.gradient), address(at, LayerNorm.stride), address(at, LayerNorm.gain), address(at, LayerNorm.statistics));
    case Op.columnFigures: {
      const units = word(at, ColumnFigures.units);
      const panels = units + 7 >> 3;
      const every = word(at, ColumnFigures.every);
      return columnFigures((rows + every - 1) / every, shareBegin(panels, thread, threads) << 3, min(shareBegin(panels, thread + 1, threads) << 3, units), units,
        address(at, ColumnFigures.sums), address(at, ColumnFigures.activations), address(at, ColumnFigures.measured), address(at, ColumnFigures.stride),
        address(at, ColumnFigures.figures), stepNumber(step, Step.first) == 0, number(at, ColumnFigures.low), number(at, ColumnFigures.innerLow),
        number(at, ColumnFigures.innerHigh), number(at, ColumnFigures.high), number(at, ColumnFigures.flatBelow), address(at, ColumnFigures.slopes),
        word(at, ColumnFigures.sharedSlope) != 0);
    }
    case Op.histogram:
      if (thread == 0) {
        const every = word(at, Histogram.every);
        addHistogram((rows + every - 1) / every, word(at, Histogram.units), address(at, Histogram.values), address(at, Histogram.stride), address(at, Histogram.least),
          address(at, Histogram.greatest), address(at, Histogram.histogram), stepNumber(step, Step.first) == 0, panel);
      }
      return;
    default: unreachable();
  }
}

/** The columns of a share where whole panels of 8 are dealt, as those of a dense layer's units are. */
@inline
function columnBegin(units: i32, thread: i32, threads: i32): i32 {
  return min(shareBegin(units + 7 >> 3, thread, threads) << 3, units);
}

@inline
function columnEnd(units: i32, thread: i32, threads: i32): i32 {
  return columnBegin(units, thread + 1, threads);
}

/**
 * Plays the tape for step records firstStep … lastStep − 1 on one thread. Returns how many steps were finished: fewer
 * than asked when a step's loss is not finite; that step's record holds the loss and nothing of it was applied.
 */
export function play(tape: usize, count: i32, steps: usize, firstStep: i32, lastStep: i32, panel: usize): i32 {
  const size: usize = INSTRUCTION_WORDS << 2;
  const end = tape + <usize>count * size;
  for (let index = firstStep; index < lastStep; ++index) {
    const step = steps + <usize>index * (STEP_WORDS << 3);
    for (let at = tape; at < end; at += size) {
      execute(at, step, 0, 1, panel);
      if (load<i32>(at) == Op.finish && !isFinite(stepNumber(step, Step.loss))) return index - firstStep;
    }
  }
  return lastStep - firstStep;
}

const INSTRUCTION_BYTES: usize = INSTRUCTION_WORDS << 2;
const STEP_BYTES: usize = STEP_WORDS << 3;

/**
 * Whether an instruction may follow another without a barrier: neither reads or writes what another share of the other
 * writes. In a chain this holds for each pair of its instructions, as a step lays them out:
 *
 * - softmaxForward → loss → softmaxBackward: all are dealt by rows, and a row needs its own alone.
 * - weightGradient → inputGradient → activationBackward: the product with the input and that with the weights both read dZ
 *   and write apart; the next layer's dZ is dealt by the same panels of columns, of which each needs its own alone.
 * - denseForward → batchNormForward, dropoutForward and, on the way back, inputGradient → those of the layers before it up to the next
 *   activationBackward or layerNormSums: all are dealt by the same panels of columns, of which each needs its own alone.
 * - layerNormForward → layerNormForward, loss: dealt by rows.
 * - weightGradient → finish: the loss is made of the rows' values, which lie behind an earlier barrier.
 * - update → runningStatistics → average → gather: what they write lies apart, a run's average is dealt as its update is, and what the statistics follow was
 *   measured before; the next batch is copied to where this step has nothing left to read.
 */
@inline
export function follows(next: i32, op: i32): bool {
  switch (next) {
    case Op.dropoutForward:
    case Op.batchNormForward: return op == Op.denseForward || op == Op.dropoutForward || op == Op.batchNormForward;
    case Op.layerNormForward: return op == Op.layerNormForward;
    case Op.loss: return op == Op.softmaxForward || op == Op.layerNormForward;
    case Op.softmaxBackward: return op == Op.loss;
    case Op.inputGradient: return op == Op.weightGradient;
    case Op.dropoutBackward:
    case Op.batchNormBackward:
    case Op.layerNormSums:
    case Op.activationBackward: return op == Op.inputGradient || op == Op.dropoutBackward || op == Op.batchNormBackward;
    case Op.finish: return op == Op.weightGradient;
    case Op.update: return op == Op.update;
    case Op.runningStatistics: return op == Op.update || op == Op.runningStatistics;
    case Op.average:
    case Op.gather: return op == Op.update || op == Op.runningStatistics || op == Op.average;
    default: return false;
  }
}

/**
 * Plays the open job as one of its threads: claims shares of a group of instructions, computes them, waits for the others
 * and goes on to the next group.
 * @param job word of the job; a member that comes when it is over leaves it alone
 * @param resumed whether thread 0 comes back to the wait in which it left
 * @param patience nanoseconds that it waits for another's share; negative where the thread may not sleep
 * @returns the steps finished, or Played
 */
function playShares(control: usize, job: i32, thread: i32, resumed: bool, patience: i64): i32 {
  const tape = <usize>atomic.load<u32>(control, Control.tape);
  const end = tape + <usize>atomic.load<i32>(control, Control.count) * INSTRUCTION_BYTES;
  const steps = <usize>atomic.load<u32>(control, Control.steps);
  const firstStep = atomic.load<i32>(control, Control.firstStep);
  const lastStep = atomic.load<i32>(control, Control.lastStep);
  const lines = <usize>atomic.load<u32>(control, Control.shares);
  const panel = <usize>atomic.load<u32>(control, Control.panel) + <usize>thread * <usize>atomic.load<u32>(control, Control.panelBytes);
  const spin = atomic.load<i32>(control, Control.spin);
  const napMicroseconds = atomic.load<i32>(control, Control.nap);
  let position = atomic.load<i32>(control, Control.position);
  // the numbers are this job's only if it is still the one that is open
  if (atomic.load<i32>(control, Control.job) != job) return 0;
  const shares = job & JOB_SHARES;
  let at = tape;
  let index = firstStep;
  let claimed = resumed;
  if (resumed) {
    position = load<i32>(control, Control.resumePosition);
    index = load<i32>(control, Control.resumeStep);
    at = <usize>load<u32>(control, Control.resumeAt);
  }
  let idle = 0;
  while (index < lastStep) {
    // the group: from (index, at) to (nextIndex, next)
    let last = at;
    let lastIndex = index;
    let next = at;
    let nextIndex = index;
    for (;;) {
      next += INSTRUCTION_BYTES;
      if (next == end) {
        next = tape;
        ++nextIndex;
        if (nextIndex == lastStep) break;
      }
      if (!follows(load<i32>(next), load<i32>(last))) break;
      last = next;
      lastIndex = nextIndex;
    }
    ++position;
    let worked = claimed;
    if (!claimed) {
      for (let i = 0; i < shares; ++i) {
        let share = thread + i;
        if (share >= shares) share -= shares;
        const line = shareLine(lines, share);
        if (!claim(line, position - 1)) continue;
        worked = true;
        let instruction = at;
        let step = index;
        while (instruction != next || step != nextIndex) {
          execute(instruction, steps + <usize>step * STEP_BYTES, share, shares, panel);
          instruction += INSTRUCTION_BYTES;
          if (instruction == end) {
            instruction = tape;
            ++step;
          }
        }
        report(control, line, position);
      }
    }
    claimed = false;
    for (let share = 0; share < shares; ++share) {
      const line = shareLine(lines, share);
      if (isDone(line, position)) continue;
      if (!worked && napMicroseconds > 0 && ++idle > MOST_IDLE) {
        nap(control, <i64>napMicroseconds * 1000);
        idle = 0;
      }
      for (;;) {
        const ended = awaitShare(control, line, position, spin, patience);
        if (ended == REACHED) break;
        if (ended == BROKEN) return Played.broken;
        if (thread > 0) continue;
        store<i32>(control, position - 1, Control.resumePosition);
        store<i32>(control, index, Control.resumeStep);
        store<u32>(control, <u32>at, Control.resumeAt);
        return Played.stalled;
      }
    }
    if (worked) idle = 0;
    if (load<i32>(last) == Op.finish && !isFinite(stepNumber(steps + <usize>lastIndex * STEP_BYTES, Step.loss))) break;
    at = next;
    index = nextIndex;
  }
  if (thread > 0) return 0;
  // far beyond what is left of the job, so that nobody can take it up again
  if (index < lastStep) {
    position += <i32>((end - tape) / INSTRUCTION_BYTES) * (lastStep - firstStep) + 1;
    for (let share = 0; share < shares; ++share) setShare(shareLine(lines, share), position);
  }
  closeJob(control);
  store<i32>(control, position, Control.position);
  return index - firstStep;
}

/** Groups in a row in which a thread found nothing to do and had to wait, before it naps. */
const MOST_IDLE: i32 = 32;

/**
 * Plays the tape of the control block for step records firstStep … lastStep − 1 with the members that have joined, as
 * thread 0. To be called by one thread, for one job after the other.
 * @param resume 1 to go on where the last call returned `Played.stalled`; firstStep and lastStep are then as they were
 * @param patience milliseconds that it waits for another thread without news; negative where this thread may not sleep
 * @returns the steps finished, as `play` does, or Played
 */
export function playTogether(control: usize, firstStep: i32, lastStep: i32, resume: i32, patience: i32): i32 {
  const nanoseconds = <i64>patience * 1_000_000;
  if (resume) return playShares(control, atomic.load<i32>(control, Control.job), 0, true, nanoseconds);
  if (atomic.load<i32>(control, Control.state) != TeamState.open) return Played.broken;
  const shares = (atomic.load<i32>(control, Control.members) & JOB_SHARES) + 1;
  if (shares == 1) {
    return play(load<u32>(control, Control.tape), load<i32>(control, Control.count), load<u32>(control, Control.steps), firstStep, lastStep,
      load<u32>(control, Control.panel));
  }
  const position = load<i32>(control, Control.position);
  const lines = <usize>load<u32>(control, Control.shares);
  for (let share = 0; share < shares; ++share) setShare(shareLine(lines, share), position);
  atomic.store<i32>(control, firstStep, Control.firstStep);
  atomic.store<i32>(control, lastStep, Control.lastStep);
  openJob(control, shares);
  return playShares(control, atomic.load<i32>(control, Control.job), 0, false, nanoseconds);
}

/**
 * Joins an engagement and plays its jobs until the team ends.
 * @param engagement as the word of members has it: its number in the upper bits, 0 in those of JOB_SHARES
 */
export function serve(control: usize, engagement: i32): void {
  // before it joins: a job that opens afterwards may count on it
  let job = atomic.load<i32>(control, Control.job);
  const thread = join(control, engagement);
  if (thread == 0) return;
  for (;;) {
    job = awaitJob(control, job);
    if (job == 0) break;
    if (thread < (job & JOB_SHARES)) playShares(control, job, thread, false, MEMBER_PATIENCE);
  }
  leave(control);
}

/** How long a member sleeps at a share before it looks at the team's state again, in nanoseconds. */
const MEMBER_PATIENCE: i64 = 100_000_000;

function gather(at: usize, step: usize, begin: i32, end: i32): void {
  const first = <i32>stepNumber(step, Step.first);
  const order = address(at, Gather.order);
  gatherRows(address(at, Gather.window), order, first, address(at, Gather.samples), begin, end, word(at, Gather.width), address(at, Gather.sampleStride));
  const targets = address(at, Gather.targets);
  if (!targets) return;
  const outputs = word(at, Gather.outputs);
  const stride = address(at, Gather.targetStride);
  if (word(at, Gather.classes)) gatherClasses(address(at, Gather.targetWindow), order, first, targets, begin, end, outputs, stride);
  else gatherRows(address(at, Gather.targetWindow), order, first, targets, begin, end, outputs, stride);
  const smoothing = number(at, Gather.smoothing);
  if (smoothing != 0) smoothRows(targets, begin, end, outputs, stride, smoothing);
  if (address(at, Gather.weights)) gatherRows(address(at, Gather.weightWindow), order, first, address(at, Gather.weights), begin, end, 1, 4);
}

function loss(at: usize, step: usize, begin: i32, end: i32): void {
  const outputs = word(at, Loss.outputs);
  const stride = address(at, Loss.stride);
  const activations = address(at, Loss.activations);
  const targets = address(at, Loss.targets);
  const inverse = stepNumber(step, Step.inverseWeight) / <f64>(word(at, Loss.overOutputs) ? outputs : 1);
  lossRows(word(at, Loss.code), number(at, Loss.parameter), address(at, Loss.sums), activations, targets, address(at, Loss.gradient), begin, end,
    outputs, stride, address(at, Loss.weights), inverse, address(at, Loss.values));
  const mode = word(at, Loss.hitMode);
  if (mode == HitMode.none) return;
  hitRows(mode, activations, targets, begin, end, outputs, stride, number(at, Loss.outputThreshold), number(at, Loss.targetThreshold), address(at, Loss.hits));
}

/** Units [begin, end) of a small layer: the sums, then the activation over them while they are near. */
function forward(at: usize, rows: i32, begin: i32, end: i32, panel: usize): void {
  if (begin >= end) return; // a share without units; the activation of a lone one may lie over its sums
  const sums = address(at, DenseForward.sums), stride = address(at, DenseForward.stride);
  smallForward(rows, begin, end, word(at, DenseForward.inputs), address(at, DenseForward.input), address(at, DenseForward.inputStride),
    address(at, DenseForward.weights), address(at, DenseForward.biases), sums, stride, panel);
  const skip = <usize>begin << 2;
  const code = word(at, DenseForward.activation);
  const shared = word(at, DenseForward.sharedSlope) != 0;
  const slopes = address(at, DenseForward.slopes);
  const activations = address(at, DenseForward.activations);
  if (word(at, DenseForward.units) == 1 && code != ActivationCode.linear && code != ActivationCode.softmax) {
    return columnForward(code, sums, activations, rows, stride, number(at, DenseForward.parameter), slopes, panel);
  }
  activationForward(code, sums + skip, activations + skip, rows, end - begin, stride, number(at, DenseForward.parameter), shared ? slopes : slopes + skip, shared);
}

/** Units [begin, end) of a small layer for one sample. */
function single(at: usize, begin: i32, end: i32): void {
  const output = address(at, DenseSingle.output);
  smallSingle(begin, end, word(at, DenseSingle.inputs), address(at, DenseSingle.input), address(at, DenseSingle.weights), address(at, DenseSingle.biases), output);
  const to = output + (<usize>begin << 2);
  const shared = word(at, DenseSingle.sharedSlope) != 0;
  const slopes = address(at, DenseSingle.slopes);
  activationForward(word(at, DenseSingle.activation), to, to, 1, end - begin, (<usize>(end - begin) + 3 & ~3) << 2, number(at, DenseSingle.parameter),
    shared ? slopes : slopes + (<usize>begin << 2), shared);
}

function backward(at: usize, rows: i32, thread: i32, threads: i32): void {
  const units = word(at, ActivationBackward.units);
  const panels = units + 7 >> 3;
  const begin = shareBegin(panels, thread, threads) << 3;
  const end = min(shareBegin(panels, thread + 1, threads) << 3, units);
  const skip = <usize>begin << 2;
  const shared = word(at, ActivationBackward.sharedSlope) != 0;
  const slopes = address(at, ActivationBackward.slopes);
  const dBiases = address(at, ActivationBackward.dBiases);
  const dSlopes = address(at, ActivationBackward.dSlopes);
  activationBackward(word(at, ActivationBackward.activation), address(at, ActivationBackward.sums) + skip, address(at, ActivationBackward.activations) + skip,
    address(at, ActivationBackward.gradient) + skip, rows, end - begin, address(at, ActivationBackward.stride), number(at, ActivationBackward.parameter),
    shared ? slopes : slopes + skip, shared, dBiases ? dBiases + skip : 0, dSlopes ? dSlopes + skip : 0);
}

function sumSlopes(at: usize): void {
  const source = address(at, SumSlopes.unitSlopes);
  let sum: f64 = 0;
  for (let unit = 0, units = word(at, SumSlopes.units); unit < units; ++unit) sum += <f64>load<f32>(source + (<usize>unit << 2));
  store<f32>(address(at, SumSlopes.dSlope), <f32>sum);
}

@inline
function blockCount(length: i32): i32 {
  return (length + (BLOCK - 1)) / BLOCK;
}

function penalty(at: usize, thread: i32, threads: i32): void {
  const length = word(at, Penalty.length);
  const blocks = blockCount(length);
  for (let block = shareBegin(blocks, thread, threads), end = shareBegin(blocks, thread + 1, threads); block < end; ++block) {
    store<f64>(address(at, Penalty.partials) + (<usize>block << 3), penaltyRun(address(at, Penalty.weights), address(at, Penalty.dWeights),
      block * BLOCK, min(block * BLOCK + BLOCK, length), number(at, Penalty.l1), number(at, Penalty.l2)));
  }
}

function gradientSquares(at: usize, thread: i32, threads: i32): void {
  const length = word(at, GradientSquares.length);
  const blocks = blockCount(length);
  for (let block = shareBegin(blocks, thread, threads), end = shareBegin(blocks, thread + 1, threads); block < end; ++block) {
    store<f64>(address(at, GradientSquares.partials) + (<usize>block << 3),
      sumSquares(address(at, GradientSquares.gradient), block * BLOCK, min(block * BLOCK + BLOCK, length)));
  }
}

/** g ← g·min(1, norm / (‖g‖ + 1e-6)), as PyTorch's clip_grad_norm_; each thread adds the partial sums in the same order. */
function clipNorm(at: usize, thread: i32, threads: i32): void {
  const partials = address(at, ClipNorm.partials);
  let squares: f64 = 0;
  for (let i = 0, count = word(at, ClipNorm.partialCount); i < count; ++i) squares += load<f64>(partials + (<usize>i << 3));
  const scale = <f64>number(at, ClipNorm.norm) / (sqrt(squares) + 1e-6);
  if (!(scale < 1)) return;
  const length = word(at, ClipNorm.length);
  const blocks = blockCount(length);
  scaleRun(address(at, ClipNorm.gradient), shareBegin(blocks, thread, threads) * BLOCK, min(shareBegin(blocks, thread + 1, threads) * BLOCK, length), <f32>scale);
}

/** Loss = Σ values / (W·divisor) + Σ penalty partials, and the hits: sums in order of rows and blocks. */
function finish(at: usize, step: usize, rows: i32): void {
  const values = address(at, Finish.values);
  let sum: f64 = 0;
  for (let row = 0; row < rows; ++row) sum += load<f64>(values + (<usize>row << 3));
  let loss = (sum * stepNumber(step, Step.inverseWeight)) / <f64>word(at, Finish.divisor);
  const partials = address(at, Finish.partials);
  for (let i = 0, count = word(at, Finish.partialCount); i < count; ++i) loss += load<f64>(partials + (<usize>i << 3));
  store<f64>(step + (Step.loss << 3), loss);
  const hits = address(at, Finish.hits);
  let total = 0;
  if (hits) for (let row = 0; row < rows; ++row) total += load<i32>(hits + (<usize>row << 2));
  store<f64>(step + (Step.hits << 3), <f64>total);
}

function update(at: usize, step: usize, thread: i32, threads: i32): void {
  const length = word(at, Update.length);
  const blocks = length + 15 >> 4;
  updateParameters(word(at, Update.code), address(at, Update.parameters), address(at, Update.gradient), address(at, Update.firstSlot), address(at, Update.secondSlot),
    shareBegin(blocks, thread, threads) << 4, min(shareBegin(blocks, thread + 1, threads) << 4, length),
    number(at, Update.c0), number(at, Update.c1), number(at, Update.c2), number(at, Update.c3), number(at, Update.c4),
    <f32>stepNumber(step, Step.rate0), <f32>stepNumber(step, Step.rate1), <f32>stepNumber(step, Step.rate2));
}

function average(at: usize, step: usize, thread: i32, threads: i32): void {
  const length = word(at, Average.length);
  const blocks = (length + 15) >> 4; // as update deals them
  averageRun(address(at, Average.average), address(at, Average.parameters), shareBegin(blocks, thread, threads) << 4,
    min(shareBegin(blocks, thread + 1, threads) << 4, length), <f32>stepNumber(step, Step.averageKeep), <f32>stepNumber(step, Step.averageTake));
}
