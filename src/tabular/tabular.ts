// A network over a table with named columns: what it learned of the columns (columns.ts, target.ts), the network that was
// trained on that, and the way back from its outputs to labels and to numbers in the target's unit (predict.ts).
//
//   rows ─readTarget─▶ rows with a target ─split─▶ [test] · validation · training ─fitColumns─▶ preparation
//   rows ─transformRows─▶ inputs ─Network─▶ outputs ─▶ labels (arg max), or output · deviation + mean

import { describeValue, listNames, ModelFormatError, refusal } from "../check.js";
import { dense, dropout, Network, normal, uniform } from "../index.js";
import type { EpochReport, FitOptions, History, Initializer, LayerSpec, LossName } from "../index.js";
import { permutation } from "../random.js";
import { splitSamples } from "../train/split.js";
import { columnNames, fitColumns, inputCount, transformRows, unseenInputs } from "./columns.js";
import type { Place, Row } from "./columns.js";
import { activationDefaults, checkTabularOptions } from "./options.js";
import type { CheckedTabularOptions, TabularOptions } from "./options.js";
import { evaluateRows, outputsOf, predictionsOf, probabilitiesOf, reportInUnit, rowPlace, unitOf } from "./predict.js";
import type { TabularEvaluation } from "./predict.js";
import { readPreparation, writePreparation } from "./preparation.js";
import type { Preparation, PreparationFile } from "./preparation.js";
import { collectRows } from "./rows.js";
import { fitScale, readTarget } from "./target.js";
import type { Label, Target, Task } from "./target.js";

/** Which permutation of the generator's stream "split" is whose. */
const TEST_SPLIT = 0;
const VALIDATION_SPLIT = 1;

/** The output layer starts at this share of Glorot's deviation. */
const OUTPUT_START = 0.1;

/** The losses that make sense of one softmax output a class, and of a standardised number. */
const lossesOf: { readonly [T in Task]: readonly LossName[] } = {
  classification: ["crossEntropy"],
  regression: ["meanSquaredError", "meanAbsoluteError", "huber", "logCosh"],
};

const secret = Symbol();

/**
 * A network over rows with named columns. Made by `Tabular.train` or `Tabular.load`.
 *
 * @example
 * const model = await Tabular.train(await readCSV("iris.csv"), { target: "species", seed: 1 });
 * model.predict([{ sepal_length: 5.1, sepal_width: 3.5, petal_length: 1.4, petal_width: 0.2 }]);   // ["setosa"]
 */
export class Tabular {
  /** The network behind it. Training it further keeps the preparation. */
  readonly network: Network;
  /** What each column becomes, and what the outputs stand for. */
  readonly preparation: PreparationFile;
  /** What training reported; undefined after `load`. A regression's metrics are in the target's unit, its losses in standardised units. */
  readonly history: History | undefined;

  /** @internal */
  constructor(key: unknown, network: Network, preparation: PreparationFile, history: History | undefined) {
    if (key !== secret) throw new TypeError(refusal("new Tabular", "a call of Tabular.train or Tabular.load", "new", "Write await Tabular.train(rows, { target })"));
    this.network = network;
    this.preparation = preparation;
    this.history = history;
  }

  /**
   * Trains a network on rows (an array or an async iterable of objects). Rows without a target are left out.
   * @throws {TypeError | RangeError} for rows, cells or options that are not allowed, before anything is trained
   * @throws what `fit` throws
   */
  static async train(rows: readonly object[] | AsyncIterable<object>, options: TabularOptions): Promise<Tabular> {
    const { model } = await trainTable(rows, options, 0, rowPlace("train"));
    return model;
  }

  /**
   * The model that `save` wrote.
   * @throws {ModelFormatError} for any other file, `notTabular` for one that holds a network alone
   */
  static async load(bytes: Uint8Array | ArrayBuffer): Promise<Tabular> {
    return tabularOf(await Network.load(bytes));
  }

  get task(): Task {
    return this.preparation.task;
  }

  /** The name of the target's column. */
  get target(): string {
    return this.preparation.target;
  }

  /** The labels in the order of the network's outputs: numbers ascending, texts by code units. Undefined for a regression. */
  get classes(): readonly Label[] | undefined {
    return this.preparation.task === "classification" ? this.preparation.classes : undefined;
  }

  /** The names of the columns that are of use, in the order of the inputs. */
  get columns(): readonly string[] {
    return this.preparation.columns.map(({ name }) => name);
  }

  /** A sentence for each column or group of rows that was left out or changed. */
  get notes(): readonly string[] {
    return this.preparation.notes;
  }

  /**
   * For each row its label, or its number in the target's unit, whatever the other rows. Columns that the model does not know
   * are ignored; one that a row does not have is missing there.
   */
  predict(rows: readonly object[]): Label[] {
    return predictionsOf(this.preparation, outputsOf(this, rows, "predict", rowPlace("predict")));
  }

  /** For each row the probability of every label. @throws {Error} for a regression */
  probabilities(rows: readonly object[]): Record<string, number>[] {
    return probabilitiesOf(this.preparation, outputsOf(this, rows, "probabilities", rowPlace("probabilities")), "probabilities");
  }

  /** Loss and metrics over the rows that have a target. @throws {RangeError} if none has one, or one is no class of the model */
  evaluate(rows: readonly object[]): TabularEvaluation {
    return evaluateRows(this, rows, "evaluate", rowPlace("evaluate"));
  }

  /** One safetensors file with network and preparation; `Network.load` reads it too and keeps the preparation. */
  save(options?: { optimizer?: boolean }): Uint8Array {
    return this.network.save(options);
  }
}

/** The model of the table that a loaded network was trained on. @throws {ModelFormatError} if it was trained on none, or the preparation is not sound */
export function tabularOf(network: Network): Tabular {
  const { tabular, inputs, outputs, layers } = network;
  if (tabular === undefined) throw new ModelFormatError("notTabular", refusal("load", "a model of a table", "a network alone", "Use Network.load"));
  const preparation = readPreparation(tabular, { inputs, outputs, outputActivation: layers[layers.length - 1].activation });
  return new Tabular(secret, network, preparation, undefined);
}

/** What `trainTable` gives: the model, the indices of the rows held out for testing and of those for validation, and how many rows went where. */
export interface TrainedTable {
  readonly model: Tabular;
  readonly test: Uint32Array;
  readonly validation: Uint32Array;
  readonly counts: { readonly train: number; readonly validation: number; readonly test: number };
}

/** What the command does while a table is trained. */
export interface TrainingCourse {
  /** Sees the notes before training starts. */
  onPrepared?(preparation: Preparation): void;
  /** Sees the network before its first step, and the inputs and targets of the training part. */
  onStart?(network: Network, preparation: Preparation, inputs: Float32Array, targets: Float32Array): void;
  /** A network whose training of the same rows with the same options was interrupted; it is finished in place of a new one. */
  readonly interrupted?: Network;
}

/**
 * Trains as `Tabular.train` does, and holds out round(testFraction · rows) for testing first, stratified by class; a part of 0
 * rows is none. `place` names a cell in errors.
 */
export async function trainTable(
  source: readonly object[] | AsyncIterable<object>, givenOptions: TabularOptions, testFraction: number, place: Place, course: TrainingCourse = {},
): Promise<TrainedTable> {
  const options = checkTabularOptions(givenOptions);
  const rows = await collectRows(source, "train: rows");
  if (rows.length === 0) throw new RangeError(refusal("train: rows", "a row at least", "none"));
  const weights = options.sampleWeights;
  if (weights !== undefined && weights.length !== rows.length) {
    throw new RangeError(refusal("train: sampleWeights", `${rows.length} weights, one for each row`, `${weights.length}`));
  }
  const target = readTarget(rows, options.target, options.task, place);
  checkLoss(options.fit.loss?.name, target.task);
  const parts = await splitTarget(target, testFraction, options);
  const rowsOf = (part: Uint32Array): Uint32Array => part.map((i) => target.kept[i]);
  const preparation = prepare(rows, target, parts.training, options, place);
  const tabular = writePreparation(preparation);
  course.onPrepared?.(preparation);

  const scaled = (value: number): number => (preparation.task === "regression" ? (value - preparation.mean) / preparation.deviation : value);
  const data = (part: Uint32Array): [Float32Array, Float32Array] => [
    transformRows(preparation.columns, rows, rowsOf(part), place),
    Float32Array.from(part, (i) => scaled(target.values[i])),
  ];
  const [inputs, targets] = data(parts.training);
  const { onEpoch } = options.fit;
  const network = course.interrupted ?? (await createNetwork(preparation, parts.training.length, options));
  network.tabular = tabular;
  course.onStart?.(network, preparation, inputs, targets);
  const history = await network.fit(inputs, targets, {
    ...options.fit,
    earlyStopping: stoppingOf(options, preparation),
    validationData: parts.validation.length > 0 ? data(parts.validation) : undefined,
    sampleWeights: weights === undefined ? undefined : Float32Array.from(rowsOf(parts.training), (row) => weights[row]),
    onEpoch: onEpoch && ((report: EpochReport) => onEpoch(reportInUnit(report, preparation))),
    resume: course.interrupted !== undefined,
  });
  network.tabular = tabular;
  const reports = history.epochs.map((report) => reportInUnit(report, preparation));
  return {
    model: new Tabular(secret, network, preparation, { ...history, epochs: reports }),
    test: rowsOf(parts.test),
    validation: rowsOf(parts.validation),
    counts: { train: parts.training.length, validation: parts.validation.length, test: parts.test.length },
  };
}

async function createNetwork(preparation: Preparation, trainingRows: number, options: CheckedTabularOptions): Promise<Network> {
  const layers = describeLayers(preparation, trainingRows, options);
  const network = await Network.create({ inputs: inputCount(preparation.columns), layers, seed: options.seed });
  forgetInputs(network, unseenInputs(preparation.columns));
  return network;
}

/** Indices into the rows that have a target; the validation part is drawn from what the test part leaves. */
async function splitTarget({ kept, values, task }: Target, testFraction: number, { seed, validationSplit }: CheckedTabularOptions) {
  const split = async (part: Uint32Array, fraction: number, index: number) => {
    if (Math.floor(fraction * part.length + 0.5) === 0) return { rest: part, held: new Uint32Array(0) };
    const order = await permutation(part.length, seed, "split", index);
    const classes = task === "classification" ? Array.from(part, (i) => values[i]) : undefined;
    const { training, validation } = splitSamples(part.length, fraction, classes, order);
    return { rest: training.map((i) => part[i]), held: validation.map((i) => part[i]) };
  };
  const { rest, held: test } = await split(Uint32Array.from(kept.keys()), testFraction, TEST_SPLIT);
  const { rest: training, held: validation } = await split(rest, validationSplit, VALIDATION_SPLIT);
  return { test, validation, training };
}

function prepare(rows: readonly Row[], target: Target, training: Uint32Array, options: CheckedTabularOptions, place: Place): Preparation {
  const names = columnNames(rows).filter((name) => name !== options.target);
  const { columns, notes } = fitColumns(rows, training.map((i) => target.kept[i]), names, place);
  if (columns.length === 0) {
    throw new RangeError(refusal("train: rows", "a column to learn from", names.length === 0 ? "none beside the target" : `none of use (${notes.join("; ")})`));
  }
  const without = rows.length - target.kept.length;
  notes.unshift(...target.notes);
  if (without > 0) notes.unshift(`${without} of ${rows.length} rows left out: no value in ${describeValue(options.target)}`);
  const common = { target: options.target, columns, notes };
  return target.task === "classification"
    ? { task: target.task, classes: target.labels, ...common }
    : { task: target.task, ...fitScale(Float64Array.from(training, (i) => target.values[i])), ...common };
}

/** @throws {RangeError} for a loss that does not suit the task */
function checkLoss(loss: LossName | undefined, task: Task): void {
  const allowed = lossesOf[task];
  if (loss === undefined || allowed.includes(loss)) return;
  throw new RangeError(refusal("train: loss", `${allowed.length > 1 ? "one of " : ""}${listNames(allowed)} for a ${task}`, `'${loss}'`));
}

/** Early stopping, whose `minDelta` is in the unit in which the monitored measure is reported; fit sees standardised ones. */
function stoppingOf({ fit: { earlyStopping } }: CheckedTabularOptions, preparation: Preparation): FitOptions["earlyStopping"] {
  if (earlyStopping === undefined || preparation.task === "classification") return earlyStopping;
  return { ...earlyStopping, minDelta: earlyStopping.minDelta / unitOf(earlyStopping.monitor, preparation) };
}

/**
 * Hidden layers start as Glorot has it (but selu, whose scale rests on LeCun's, and those of `activationDefaults`), and the
 * output layer at a tenth of that: on small tables both end better than He's larger start. The default l2 is
 * penalty/n for n training rows: the mean loss plus l2·Σw² is (Σ loss + penalty·Σw²)/n, one prior on the weights for tables of any length.
 * Measured: bench/tabular.md.
 */
function describeLayers(preparation: Preparation, trainingRows: number, { hidden, activation, l2: given, dropout: rate }: CheckedTabularOptions): LayerSpec[] {
  const { start, penalty } = activationDefaults(hidden.length === 0 ? "linear" : activation.name);
  const l2 = given ?? penalty / trainingRows;
  const outputs = preparation.task === "classification" ? preparation.classes.length : 1;
  let inputs = inputCount(preparation.columns);
  const layers = hidden.flatMap((units) => {
    const layer: LayerSpec = dense(units, { activation, weightInit: activation.name === "selu" ? "lecunNormal" : glorotUniformTimes(start, inputs, units), l2 });
    inputs = units;
    return rate === 0 ? [layer] : [layer, dropout(rate)];
  });
  return [
    ...layers,
    dense(outputs, {
      activation: preparation.task === "classification" ? "softmax" : "linear",
      weightInit: normal(0, OUTPUT_START * Math.sqrt(2 / (inputs + outputs))),
      l2,
    }),
  ];
}

function glorotUniformTimes(factor: number, inputs: number, units: number): Initializer | "glorotUniform" {
  if (factor === 1) return "glorotUniform";
  const bound = factor * Math.sqrt(6 / (inputs + units));
  return uniform(-bound, bound);
}

/** Sets the weights of those inputs to 0. */
function forgetInputs(network: Network, inputs: readonly number[]): void {
  const { weights, units } = network.layers[0];
  for (let unit = 0; unit < units; unit++) {
    for (const input of inputs) weights[unit * network.inputs + input] = 0;
  }
}
