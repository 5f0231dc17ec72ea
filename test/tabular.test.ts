// Named columns: what a table becomes, the split, the way back to labels and units, and what a model file may hold.

import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { ModelFormatError, Network, dense } from "../src/index.js";
import { activationNames } from "../src/describe/activations.js";
import { readSafetensors, writeSafetensors } from "../src/files/safetensors.js";
import { fitColumns, inputNames, isMissing, parseNumber, transformRows, unseenInputs } from "../src/tabular/columns.js";
import type { Column, NumericColumn, Row, TextColumn } from "../src/tabular/columns.js";
import { readCSV, Tabular } from "../src/tabular/index.js";
import type { TabularOptions } from "../src/tabular/index.js";
import { evaluateRows } from "../src/tabular/predict.js";
import { trainTable } from "../src/tabular/tabular.js";
import { readTarget } from "../src/tabular/target.js";

const place = (row: number, column: string): string => `row ${row} ${column}`;
const everything = (rows: readonly Row[]): Uint32Array => Uint32Array.from(rows.keys());
const columnsOf = (rows: readonly Row[], training = everything(rows)) => fitColumns(rows, training, Object.keys(rows[0]), place);
const example = (name: string): Promise<Row[]> => readCSV(fileURLToPath(new URL(`../examples/data/${name}.csv`, import.meta.url)));

describe("cells", () => {
  it.each(["", "NA", "na", "N/A", "n/a", "NaN", "NULL", "null", "?", "nAn"])("%j is missing", (text) => expect(isMissing(text)).toBe(true));
  it.each(["none", "0", "-", "nano", "NAN.", "n a"])("%j is not missing", (text) => expect(isMissing(text)).toBe(false));
  it.each([["1", 1], ["-2.5", -2.5], ["+.5", 0.5], ["3.", 3], ["1e-3", 0.001], ["-0", 0]])("%j is the number %d", (text, value) => {
    expect(parseNumber(text)).toBe(value);
  });
  it.each(["0x10", "1,5", "Infinity", "1e999", "1 000", "12a", ".", "e5", "--1"])("%j is no number", (text) => expect(parseNumber(text)).toBeNaN());
});

describe("columns", () => {
  it("standardise numbers by mean and population deviation of the training part", () => {
    const rows = ["1", " 2 ", 3, "6", "1000"].map((x) => ({ x }));
    const { columns } = columnsOf(rows, Uint32Array.of(0, 1, 2, 3));
    expect(columns).toEqual([{ name: "x", kind: "numeric", mean: 3, deviation: Math.sqrt((4 + 1 + 0 + 9) / 4), indicator: false }]);
    expect(Array.from(transformRows(columns, rows, Uint32Array.of(0, 4), place))).toEqual([-2 / Math.sqrt(3.5), 997 / Math.sqrt(3.5)].map(Math.fround));
  });

  it("keep mean and deviation where sums and squares leave the range of f64", () => {
    const [large] = columnsOf([{ x: 1.7e308 }, { x: 1.1e308 }]).columns as NumericColumn[];
    expect(large.mean / 1e308).toBeCloseTo(1.4, 12);
    expect(large.deviation / 1e308).toBeCloseTo(0.3, 12);
    const [small] = columnsOf([{ x: 1e-200 }, { x: 3e-200 }]).columns as NumericColumn[];
    expect(small.mean / 1e-200).toBeCloseTo(2, 12);
    expect(small.deviation / 1e-200).toBeCloseTo(1, 12);
  });

  it("take a missing number as the mean, with an indicator only where the training part lacks values", () => {
    const rows: Row[] = [{ x: 1, y: 1 }, { x: 3, y: 3 }, { x: "?", y: 2 }, { x: null, y: undefined }, {}];
    const { columns, notes } = columnsOf(rows, Uint32Array.of(0, 1, 2));
    expect(inputNames(columns)).toEqual(["x", "x: missing", "y"]);
    expect(Array.from(transformRows(columns, rows, Uint32Array.of(2, 3, 4), place))).toEqual([0, 1, 0, 0, 1, 0, 0, 1, 0]);
    expect(notes).toEqual(["column 'x': 1 missing of 3, taken as the mean 2 and marked"]);
  });

  it("make an input of each category, the most frequent first, one of missing cells and one of all others", () => {
    const rows: Row[] = ["b", "a ", "b", "", "c", "a", "b", "new"].map((x) => ({ x }));
    const { columns } = columnsOf(rows, Uint32Array.of(0, 1, 2, 3, 4, 5, 6));
    expect(columns).toEqual([{ name: "x", kind: "text", categories: ["b", "a", null, "c"], other: false }]);
    expect(inputNames(columns)).toEqual(["x: b", "x: a", "x: missing", "x: c", "x: other"]);
    expect(Array.from(transformRows(columns, rows, Uint32Array.of(1, 3, 7), place))).toEqual([0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1]);
    expect(unseenInputs(columns)).toEqual([4]);
  });

  it("take missing cells as other where training had none", () => {
    const rows: Row[] = [{ x: "a" }, { x: "b" }, { x: "na" }];
    const { columns } = columnsOf(rows, Uint32Array.of(0, 1));
    expect(Array.from(transformRows(columns, rows, Uint32Array.of(2), place))).toEqual([0, 0, 1]);
  });

  it("keep the 100 most frequent categories; with the rest in training, other is an input that is seen", () => {
    const rows = Array.from({ length: 330 }, (_, i) => ({ x: `c${String(i % 110).padStart(3, "0")}` })).concat([{ x: "c109" }]);
    const { columns, notes } = columnsOf(rows);
    const [{ categories, other }] = columns as TextColumn[];
    expect(categories).toHaveLength(100);
    expect(categories.slice(0, 3)).toEqual(["c109", "c000", "c001"]);
    expect(other).toBe(true);
    expect(unseenInputs(columns)).toEqual([]);
    expect(notes).toEqual(["column 'x': 110 categories, the 100 most frequent kept, the others (30 rows) taken as one"]);
  });

  it("leave out constant columns, empty ones, and text that names its rows, and say so", () => {
    const rows = Array.from({ length: 40 }, (_, i) => ({ three: 3, same: "s", none: "", id: `id${i}`, half: `h${i % 20}`, x: i }));
    const { columns, notes } = columnsOf(rows);
    expect(columns.map(({ name }) => name)).toEqual(["half", "x"]);
    expect(notes).toEqual([
      "column 'three' left out: it is always 3",
      "column 'same' left out: it is always 's'",
      "column 'none' left out: it has no values",
      "column 'id' left out: it is text with 40 different values in 40 rows",
    ]);
  });

  it("keep text with 21 values where no more than half the rows differ, and with 20 where all do", () => {
    const half = Array.from({ length: 42 }, (_, i) => ({ x: `v${i % 21}` }));
    expect(columnsOf(half).columns).toHaveLength(1);
    expect(columnsOf(half.slice(0, 41)).columns).toHaveLength(0);
    expect(columnsOf(half.slice(0, 20)).columns).toHaveLength(1);
  });

  it("are looked at in a time that does not grow with the square of a cell's length", () => {
    const rows = Array.from({ length: 4 }, (_, i) => ({ a: `${"12".repeat(100_000)}${i % 2 === 0 ? "x" : "y"}` }));
    const started = performance.now();
    expect(fitColumns(rows, Uint32Array.of(0, 1, 2, 3), ["a"], (row, column) => `${row} ${column}`).columns).toHaveLength(1);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it("are text with one cell that is no number in any part", () => {
    const rows = [{ x: 1 }, { x: 2 }, { x: "many" }];
    expect(columnsOf(rows, Uint32Array.of(0, 1)).columns).toMatchObject([{ kind: "text", categories: ["1", "2"] }]);
  });

  it("say where numbers have decimal commas", () => {
    const { notes } = columnsOf([{ x: "1,5" }, { x: "2,5" }, { x: "1,5" }]);
    expect(notes).toEqual(["column 'x' is taken as text: its numbers have decimal commas, write them with points"]);
  });

  it("say which cell makes text of a column that is mostly numbers, and nothing of one that is mostly text", () => {
    const noteOf = (...values: unknown[]) => columnsOf(values.map((x) => ({ x }))).notes;
    expect(noteOf(1, "2", "", "3 kg", 2, "many")).toEqual(["row 3 x: '3 kg' is no number, as 3 of 5 values are, so the column is taken as text"]);
    expect(noteOf(1, "a", "b", 2)).toEqual([]);
  });

  it("refuse text in a numeric column, a number out of reach, and cells of another kind, by their place", () => {
    const columns: Column[] = [{ name: "x", kind: "numeric", mean: 0, deviation: 1, indicator: false }];
    expect(() => transformRows(columns, [{ x: 1 }, { x: "abc" }], undefined, place)).toThrow(
      new TypeError("row 1 x: expected a number or nothing, as in the training data, got 'abc'"),
    );
    expect(() => transformRows(columns, [{ x: 1e39 }], undefined, place)).toThrow(RangeError);
    expect(() => transformRows(columns, [{ x: Infinity }], undefined, place)).toThrow(
      new TypeError("row 0 x: expected a text, a finite number, true, false or nothing, got Infinity"),
    );
    expect(() => transformRows(columns, [{ x: new Date(0) }], undefined, place)).toThrow(TypeError);
  });
});

describe("the target", () => {
  const task = (...values: unknown[]) => readTarget(values.map((t) => ({ t })), "t", undefined, place).task;
  const integers = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i));

  it("asks for a class where it is text, boolean or at most 20 distinct integers, else for a number", () => {
    expect(task("a", "b")).toBe("classification");
    expect(task(true, false)).toBe("classification");
    expect(task("1", "x")).toBe("classification");
    expect(task(...integers(20))).toBe("classification");
    expect(task(...integers(21))).toBe("regression");
    expect(task(1, 2.5)).toBe("regression");
  });

  it("orders classes by number or by code units, and keeps the type of the cells", () => {
    const labels = (...values: unknown[]) => readTarget(values.map((t) => ({ t })), "t", undefined, place).labels;
    expect(labels("10", "9", "10", "9")).toEqual(["9", "10"]);
    expect(labels(10, 9, 10)).toEqual([9, 10]);
    expect(labels(10, "9")).toEqual(["9", "10"]);
    expect(labels(true, false)).toEqual([false, true]);
    expect(labels("b", "a", "B", "é", "10", "9", "1.0")).toEqual(["1.0", "10", "9", "B", "a", "b", "é"]);
  });

  it("keeps labels as the data writes them where one is not how its number is written", () => {
    const labels = (...values: unknown[]) => readTarget(values.map((t) => ({ t })), "t", "classification", place).labels;
    expect(labels("00501", "10001", "00501")).toEqual(["00501", "10001"]);
    expect(labels("7", "007", "10")).toEqual(["007", "10", "7"]);
    expect(labels("10.0", "9", "10")).toEqual(["10", "10.0", "9"]);
    expect(labels("12345678901234567890", "12345678901234567891")).toEqual(["12345678901234567890", "12345678901234567891"]);
    expect(labels("1e3", "2")).toEqual(["1e3", "2"]);
    expect(labels("0.5", "-1", "10")).toEqual(["-1", "0.5", "10"]);
  });

  it("names the cell that makes classes of a target that is mostly numbers, unless classes are asked for", () => {
    const rows = [1, 2, "x", 3, 4].map((t) => ({ t }));
    expect(readTarget(rows, "t", undefined, place).notes).toEqual(["row 2 t: 'x' is no number, as 4 of 5 values are, so the column is taken as text"]);
    expect(readTarget(rows, "t", "classification", place).notes).toEqual([]);
    expect(readTarget([{ t: "a" }, { t: "b" }], "t", undefined, place).notes).toEqual([]);
  });

  it("leaves rows without one out", () => {
    const { kept, values } = readTarget([{ t: "b" }, { t: "?" }, {}, { t: "a" }], "t", undefined, place);
    expect([Array.from(kept), Array.from(values)]).toEqual([[0, 3], [1, 0]]);
  });

  it("is refused where it does not exist, is empty, has one class or does not vary, or is text for a regression", () => {
    const read = (rows: Row[], given?: "regression") => () => readTarget(rows, "species", given, place);
    expect(read([{ specis: 1 }])).toThrow(new RangeError("target: expected the name of a column, got 'species'. Did you mean 'specis'?"));
    expect(read([{ species: "" }])).toThrow(new RangeError("target 'species': expected a row with a value at least, got none"));
    expect(read([{ species: "a" }, { species: " a" }])).toThrow(new RangeError("target 'species': expected two classes at least, got 'a' alone"));
    expect(read([{ species: "1.5" }, { species: 1.5 }])).toThrow(new RangeError("target 'species': expected numbers that differ, got '1.5' alone"));
    expect(read([{ species: 1 }, { species: "a" }], "regression")).toThrow(/^row 1 species: expected a number, since the task is regression, got 'a'/);
  });
});

describe("Tabular", () => {
  let iris: Row[];
  let model: Tabular;
  beforeAll(async () => {
    iris = await example("iris");
    model = await Tabular.train(iris, { target: "species", seed: 3 });
  });

  it("learns to classify by name, columns in any order and others ignored", () => {
    expect(model.task).toBe("classification");
    expect(model.target).toBe("species");
    expect(model.classes).toEqual(["setosa", "versicolor", "virginica"]);
    expect(model.columns).toEqual(["sepal_length", "sepal_width", "petal_length", "petal_width"]);
    expect(model.notes).toEqual([]);
    expect(model.predict([
      { petal_width: 0.2, petal_length: 1.4, sepal_width: 3.5, sepal_length: 5.1, colour: "blue" },
      { sepal_length: "6.7", sepal_width: "3.3", petal_length: "5.7", petal_width: "2.5" },
    ])).toEqual(["setosa", "virginica"]);
    expect(model.predict([])).toEqual([]);
  });

  it("gives probabilities by label that belong to the predictions", () => {
    const rows = iris.slice(40, 110);
    const predictions = model.predict(rows);
    model.probabilities(rows).forEach((probabilities, i) => {
      expect(Object.keys(probabilities)).toEqual(model.classes);
      const values = Object.values(probabilities);
      expect(values.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
      expect(probabilities[predictions[i] as string]).toBe(Math.max(...values));
    });
  });

  it("evaluates with a confusion matrix that its metrics agree with", () => {
    const { loss, metrics, confusionMatrix } = model.evaluate(iris);
    const right = confusionMatrix!.reduce((sum, row, i) => sum + row[i], 0);
    expect(confusionMatrix!.flat().reduce((a, b) => a + b)).toBe(150);
    expect(metrics.accuracy).toBe(right / 150);
    expect(metrics.accuracy).toBeGreaterThan(0.93);
    expect(Object.keys(metrics)).toEqual(["accuracy", "precision", "recall", "f1", "auc"]);
    const truth = iris.map((row, i) => -Math.log(model.probabilities([row])[0][iris[i].species as string]));
    expect(loss).toBeCloseTo(truth.reduce((a, b) => a + b) / 150, 5);
  });

  it("reports its history, and stops early by the validation part", () => {
    const { epochs, bestEpoch } = model.history!;
    expect(epochs.length).toBeLessThanOrEqual(200);
    expect(epochs[bestEpoch - 1].validation!.loss).toBe(Math.min(...epochs.map(({ validation }) => validation!.loss)));
  });

  it("is saved and loaded with its columns, by Network.load too, and saved again as the same bytes", async () => {
    const bytes = model.save();
    const loaded = await Tabular.load(bytes);
    expect(loaded.preparation).toEqual(model.preparation);
    expect(loaded.predict(iris)).toEqual(model.predict(iris));
    expect(loaded.history).toBeUndefined();
    expect(loaded.save()).toEqual(bytes);
    const network = await Network.load(bytes);
    expect(network.save()).toEqual(bytes);
  });

  it("gives the same bytes from the same seed and others from another", async () => {
    const options: TabularOptions = { target: "species", seed: 5, epochs: 3 };
    const bytes = async (more?: Partial<TabularOptions>) => (await Tabular.train(iris, { ...options, ...more })).save();
    const first = await bytes();
    expect(await bytes()).toEqual(first);
    expect(await bytes({ seed: 6 })).not.toEqual(first);
  });

  it("takes rows as a stream", async () => {
    async function* rows(): AsyncGenerator<Row> {
      yield* iris;
    }
    const streamed = await Tabular.train(rows(), { target: "species", seed: 3 });
    expect(streamed.save()).toEqual(model.save());
  });

  it("predicts a regression in the target's unit, with metrics there and losses in deviations", async () => {
    const rows = Array.from({ length: 200 }, (_, i) => ({ x: i, y: 1000 + 50 * i }));
    const reported: number[] = [];
    const line = await Tabular.train(rows, {
      target: "y", hidden: [], epochs: 100, learningRate: 0.05, l2: 0, metrics: ["meanAbsoluteError"], onEpoch: ({ metrics }) => void reported.push(metrics.meanAbsoluteError),
    });
    expect(line.task).toBe("regression");
    expect(line.classes).toBeUndefined();
    const predictions = line.predict([{ x: 0 }, { x: 100 }, { x: "" }]) as number[];
    expect(predictions[0]).toBeCloseTo(1000, -1);
    expect(predictions[1]).toBeCloseTo(6000, -1);
    const { loss, metrics, confusionMatrix } = line.evaluate(rows);
    expect(confusionMatrix).toBeUndefined();
    const errors = (line.predict(rows) as number[]).map((value, i) => Math.abs(value - rows[i].y));
    expect(metrics.meanAbsoluteError).toBeCloseTo(errors.reduce((a, b) => a + b) / 200, 2);
    expect(metrics.r2).toBeGreaterThan(0.999);
    expect(loss).toBeLessThan(0.001);
    expect(reported[0]).toBeGreaterThan(100);
    expect(reported).toEqual(line.history!.epochs.map((report) => report.metrics.meanAbsoluteError));
    expect(() => line.probabilities(rows)).toThrow("probabilities: expected a model for classification, got one for regression. Use predict");
  });

  it("learns from missing values and categories, and leaves a category that training never saw without effect", async () => {
    const penguins = await example("penguins");
    const learned = await Tabular.train(penguins, { target: "Species", seed: 2 });
    expect(learned.notes.length).toBeGreaterThan(0);
    expect(learned.evaluate(penguins).metrics.accuracy).toBeGreaterThan(0.97);
    const names = inputNames(learned.preparation.columns);
    const { weights, units } = learned.network.layers[0];
    const others = names.flatMap((name, i) => (name.endsWith(": other") ? [i] : []));
    expect(others).toHaveLength(2);
    for (const input of others) {
      for (let unit = 0; unit < units; unit++) expect(weights[unit * names.length + input]).toBe(0);
    }
    expect(learned.predict([{}, penguins[0]].map((row) => ({ ...penguins[1], Island: "Elba", ...row })))).toHaveLength(2);
  });

  it("keeps the type of labels: numbers and booleans as the rows have them", async () => {
    const rows = Array.from({ length: 60 }, (_, i) => ({ x: i, n: i < 30 ? 7 : 4, b: i < 30 }));
    const numbers = await Tabular.train(rows.map(({ x, n }) => ({ x, n })), { target: "n" });
    const booleans = await Tabular.train(rows.map(({ x, b }) => ({ x, b })), { target: "b" });
    expect(numbers.predict([{ x: 0 }, { x: 59 }])).toEqual([7, 4]);
    expect(booleans.predict([{ x: 0 }, { x: 59 }])).toEqual([true, false]);
    expect((await Tabular.load(numbers.save())).classes).toEqual([4, 7]);
    expect((await Tabular.load(booleans.save())).classes).toEqual([false, true]);
  });

  it("learns from columns and labels called like properties of objects", async () => {
    const text = `__proto__,constructor\n${Array.from({ length: 40 }, (_, i) => `${i},${i < 20 ? "__proto__" : "toString"}`).join("\n")}\n`;
    const odd = await Tabular.train(await readCSV(text), { target: "constructor" });
    expect(odd.columns).toEqual(["__proto__"]);
    const [row] = await readCSV("__proto__,z\n3,1\n");
    expect(odd.predict([row])).toEqual(["__proto__"]);
    expect(Object.keys(odd.probabilities([row])[0])).toEqual(["__proto__", "toString"]);
    expect((await Tabular.load(odd.save())).predict([row])).toEqual(["__proto__"]);
  });

  it("splits off round(0.2 · rows), then round(0.1 · rest), each stratified by class", async () => {
    const { counts, test } = await trainTable(iris, { target: "species", epochs: 1 }, 0.2, place);
    expect(counts).toEqual({ train: 108, validation: 12, test: 30 });
    const perClass = new Map<unknown, number>();
    for (const index of test) perClass.set(iris[index].species, (perClass.get(iris[index].species) ?? 0) + 1);
    expect([...perClass.values()]).toEqual([10, 10, 10]);
  });

  it("gives each row its own sample weight: rows of weight 0 teach nothing", async () => {
    const rows = Array.from({ length: 80 }, (_, i) => ({ x: i % 20, y: i % 2 === 0 ? "right" : i % 4 === 1 ? "right" : "wrong" }));
    const sampleWeights = rows.map(({ y }) => (y === "wrong" ? 0 : 1));
    const weighted = await Tabular.train(rows, { target: "y", validationSplit: 0, sampleWeights, epochs: 100, learningRate: 0.01 });
    expect(new Set(weighted.predict(rows))).toEqual(new Set(["right"]));
    await expect(Tabular.train(rows, { target: "y", sampleWeights: [1] })).rejects.toThrow("train: sampleWeights: expected 80 weights, one for each row, got 1");
  });

  it("refuses options and rows that are not allowed, before training", async () => {
    const train = (rows: unknown, options: object) => Tabular.train(rows as Row[], { target: "species", ...options } as TabularOptions);
    const cases: [unknown, object, string | RegExp][] = [
      [iris, { hiden: [4] }, /^train: expected no options but 'target', .*, got 'hiden'\. Did you mean 'hidden'\?$/],
      [iris, { target: "specie" }, "target: expected the name of a column, got 'specie'. Did you mean 'species'?"],
      [iris, { target: 4 }, "train: target: expected the name of a column, got 4"],
      [iris, { hidden: [0] }, "train: hidden[0]: expected an integer from 1 to 16777216, got 0"],
      [iris, { hidden: 64 }, "train: hidden: expected an array with the units of each hidden layer, got 64"],
      [iris, { activation: "softmax" }, "train: activation: expected an activation for hidden layers, got 'softmax'. The output layer has it anyway"],
      [iris, { l2: -1 }, "train: l2: expected a finite number from 0 up, got -1"],
      [iris, { epochs: 0 }, "train: epochs: expected an integer from 1 to 2147483647, got 0"],
      [iris, { task: "ranking" }, "train: task: expected one of 'classification', 'regression', got 'ranking'"],
      [iris, { patience: 3, earlyStopping: { patience: 4 } }, "train: expected patience or earlyStopping, got both. Leave one of them out"],
      [iris, { learningRate: 0.1, optimizer: { name: "sgd" } }, "train: expected learningRate beside an optimizer's name, got an optimizer with a rate of its own. Leave one of them out"],
      [iris, { validationData: [[], []] }, /got 'validationData'/],
      [[], {}, "train: rows: expected a row at least, got none"],
      [[1], {}, "train: rows[0]: expected an object with the cells by the names of their columns, got 1"],
      ["iris.csv", {}, "train: rows: expected an array or an async iterable of objects, got 'iris.csv'. readCSV makes one of a CSV file"],
      [[{ species: "a" }, { species: "b" }, { species: "b" }], {}, "train: rows: expected a column to learn from, got none beside the target"],
    ];
    for (const [rows, options, message] of cases) {
      const error = (await train(rows, options).catch((reason: unknown) => reason)) as Error;
      if (message instanceof RegExp) expect(error.message).toMatch(message);
      else expect(error.message).toBe(message);
      expect([TypeError, RangeError]).toContain(error.constructor);
    }
  });

  it("predicts a row whatever its neighbours, a column that it lacks being missing", () => {
    const rows = [{ petal_length: 5 }, iris[60], {}, { sepal_length: "6.1", petal_width: null }];
    const together = model.probabilities(rows);
    rows.forEach((row, i) => {
      const [alone] = model.probabilities([row]);
      for (const [label, probability] of Object.entries(together[i])) expect(alone[label]).toBeCloseTo(probability, 6);
      expect(model.predict([row])).toEqual([model.predict(rows)[i]]);
    });
    expect(model.probabilities(rows.slice(0, 1))).toEqual(model.probabilities([{ sepal_length: "", sepal_width: "?", petal_length: 5, petal_width: "NA" }]));
  });

  it("takes rows that are typed by an interface", async () => {
    interface Flower {
      length: number;
      kind: string;
    }
    const flowers: Flower[] = Array.from({ length: 40 }, (_, i) => ({ length: i, kind: i < 20 ? "short" : "long" }));
    async function* stream(): AsyncGenerator<Flower> {
      yield* flowers;
    }
    const learned = await Tabular.train(flowers, { target: "kind", learningRate: 0.01 });
    expect((await Tabular.train(stream(), { target: "kind", learningRate: 0.01 })).save()).toEqual(learned.save());
    expect(learned.predict([flowers[0], flowers[39]])).toEqual(["short", "long"]);
    expect(learned.probabilities(flowers)).toHaveLength(40);
    expect(learned.evaluate(flowers).metrics.accuracy).toBeGreaterThan(0.8);
  });

  it("gives back labels with leading zeros and of 20 digits as the data has them", async () => {
    const rows = Array.from({ length: 60 }, (_, i) => ({ x: i % 3, zip: ["00501", "10001", "12345678901234567890"][i % 3] }));
    const learned = await Tabular.train(rows, { target: "zip", learningRate: 0.01 });
    expect(learned.predict(rows.slice(0, 3))).toEqual(["00501", "10001", "12345678901234567890"]);
    expect((await Tabular.load(learned.save())).classes).toEqual(learned.classes);
  });

  it("holds out round(share · rows) of a tiny table too, none where that is 0", async () => {
    const count = async (length: number) => {
      const rows = Array.from({ length }, (_, i) => ({ x: i, y: i % 2 === 0 ? "even" : "odd" }));
      return (await trainTable(rows, { target: "y", epochs: 1 }, 0.2, place)).counts;
    };
    expect(await count(2)).toEqual({ test: 0, validation: 0, train: 2 });
    expect(await count(4)).toEqual({ test: 1, validation: 0, train: 3 });
    expect(await count(6)).toEqual({ test: 1, validation: 1, train: 4 });
  });

  it("takes minDelta in the unit in which the monitored measure is reported", async () => {
    const rows = Array.from({ length: 100 }, (_, i) => ({ x: i, y: 1000 * i }));
    const epochs = async (monitor: "meanAbsoluteError" | "meanSquaredError" | "rootMeanSquaredError" | "r2" | "loss", minDelta: number) => {
      const options: TabularOptions = { target: "y", hidden: [], epochs: 12, metrics: monitor === "loss" ? [] : [monitor], earlyStopping: { patience: 2, monitor, minDelta } };
      const { history } = await Tabular.train(rows, options);
      const measures = history!.epochs.map(({ validation }) => (monitor === "loss" ? validation!.loss : validation!.metrics[monitor]));
      return { count: measures.length, gain: Math.abs(measures[1] - measures[0]) };
    };
    for (const monitor of ["meanAbsoluteError", "rootMeanSquaredError", "meanSquaredError", "r2", "loss"] as const) {
      const { count, gain } = await epochs(monitor, 0);
      expect(count, monitor).toBe(12);
      expect((await epochs(monitor, gain / 4)).count, monitor).toBe(12);
      expect((await epochs(monitor, gain * 4)).count, monitor).toBe(3);
    }
  });

  it("takes the losses that suit the task alone", async () => {
    const rows = Array.from({ length: 50 }, (_, i) => ({ x: i, y: i / 2 }));
    for (const loss of ["meanSquaredError", "meanAbsoluteError", "huber", "logCosh"] as const) {
      expect((await Tabular.train(rows, { target: "y", loss, epochs: 1 })).task).toBe("regression");
    }
    for (const loss of ["binaryCrossEntropy", "crossEntropy", "hinge", "poisson", "klDivergence"] as const) {
      await expect(Tabular.train(rows, { target: "y", loss })).rejects.toThrow(
        new RangeError(`train: loss: expected one of 'meanSquaredError', 'meanAbsoluteError', 'huber', 'logCosh' for a regression, got '${loss}'`),
      );
    }
    expect((await Tabular.train(iris, { target: "species", loss: { name: "crossEntropy", labelSmoothing: 0.1 }, epochs: 1 })).task).toBe("classification");
    await expect(Tabular.train(iris, { target: "species", loss: "poisson" })).rejects.toThrow(
      new RangeError("train: loss: expected 'crossEntropy' for a classification, got 'poisson'"),
    );
  });

  describe("learns with the default options and each activation of hidden layers", () => {
    const names = activationNames.filter((name) => name !== "softmax");
    it("that there is", () => expect(names).toHaveLength(17));
    it.each(names)("%s", async (activation) => {
      for (const [name, target, least] of [["iris", "species", 0.9], ["digits", "digit", 0.9], ["diabetes", "progression", 0.2]] as const) {
        const rows = await example(name);
        const { model: trained, test } = await trainTable(rows, { target, activation, seed: 3, threads: 1 }, 0.2, place);
        const { metrics } = evaluateRows(trained, Array.from(test, (row) => rows[row]), "test", place);
        expect(metrics.accuracy ?? metrics.r2, name).toBeGreaterThan(least);
      }
    });
  });

  it("penalises weights by 1 / training rows, a sixteenth of it with sigmoids, and as the user says", async () => {
    const penalties = async (options: Partial<TabularOptions>) => {
      const bytes = (await Tabular.train(iris, { target: "species", epochs: 1, ...options })).save();
      const { layers } = JSON.parse(readSafetensors(bytes).metadata.get("rosenblatt")!) as { layers: { l2: number }[] };
      return layers.map(({ l2 }) => l2);
    };
    expect(await penalties({})).toEqual([1, 1, 1].map((penalty) => penalty / 135));
    expect(await penalties({ activation: "sigmoid" })).toEqual([1, 1, 1].map((penalty) => penalty / 16 / 135));
    expect(await penalties({ activation: "sigmoid", l2: 0.5 })).toEqual([0.5, 0.5, 0.5]);
    expect(await penalties({ activation: "sigmoid", hidden: [] })).toEqual([1 / 135]);
  });

  it("drops out after each hidden layer where it is told to", async () => {
    const kinds = async (options: object) => (await Tabular.train(iris, { target: "species", epochs: 2, ...options })).network.layers.map(({ kind }) => kind).join(" ");
    expect(await kinds({})).toBe("dense dense dense");
    expect(await kinds({ dropout: 0.25 })).toBe("dense dropout dense dropout dense");
    expect(await kinds({ dropout: 0.25, hidden: [] })).toBe("dense");
    await expect(Tabular.train(iris, { target: "species", dropout: 1 })).rejects.toThrow(new RangeError("train: dropout: expected a finite number from 0 and below 1, got 1"));
  });

  it("refuses targets that are no class of it, and to be made by new", () => {
    expect(() => model.evaluate([{ ...iris[0], species: "rose" }])).toThrow(
      new RangeError("evaluate: rows[0]['species']: expected one of the classes 'setosa', 'versicolor', 'virginica', got 'rose'"),
    );
    expect(() => model.evaluate([{ ...iris[0], species: "" }])).toThrow(new RangeError("evaluate: rows: expected a row with a value in 'species', got none"));
    expect(() => new (Tabular as unknown as new () => Tabular)()).toThrow(/Write await Tabular\.train/);
  });

  it("refuses a table whose names do not fit the header of a file, before training", async () => {
    const rows = Array.from({ length: 60 }, (_, i) => ({ t: `t${i % 2}`, ...Object.fromEntries(Array.from({ length: 10 }, (_, k) => [`c${k}`, `${i % 20}`.repeat(4000) + "x"])) }));
    await expect(Tabular.train(rows, { target: "t" })).rejects.toThrow(/^train: the names and categories of all columns: expected at most 950000 bytes in the model file, got \d+/);
  });
});

describe("a model file", () => {
  const sound = {
    version: 1, task: "classification", target: "t", classes: ["a", "b"],
    columns: [{ name: "x", kind: "numeric", mean: 0, deviation: 1, indicator: true }, { name: "y", kind: "text", categories: ["p", null], other: false }], notes: ["n"],
  };
  let network: Network;
  beforeAll(async () => {
    network = await Network.create({ inputs: 5, layers: [dense(3, "relu"), dense(2, "softmax")] });
  });
  const file = (preparation: unknown): Uint8Array => {
    const { tensors, metadata } = readSafetensors(network.save());
    const text = typeof preparation === "string" ? preparation : JSON.stringify(preparation);
    return writeSafetensors([...tensors].map(([name, tensor]) => ({ name, ...tensor })), { ...Object.fromEntries(metadata), "rosenblatt.tabular": text });
  };

  it("with a sound preparation is loaded", async () => {
    expect((await Tabular.load(file(sound))).columns).toEqual(["x", "y"]);
  });

  it("without one is a network alone", async () => {
    network.tabular = undefined;
    const error = await Tabular.load(network.save()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ModelFormatError);
    expect((error as ModelFormatError).code).toBe("notTabular");
  });

  const [x, y] = sound.columns;
  const broken: [rule: string, preparation: unknown, code?: string][] = [
    ["is JSON", "{", undefined],
    ["has each key once", JSON.stringify(sound).replace('"version":1', '"version":1,"version":1'), "duplicateKey"],
    ["is not nested deeply", JSON.stringify({ ...sound, notes: [[[[[]]]]] }), "tooDeep"],
    ["is an object", []],
    ["has version 1", { ...sound, version: 2 }],
    ["has no unknown key", { ...sound, extra: 1 }],
    ["has no key __proto__", JSON.stringify(sound).replace("{", '{"__proto__":{},')],
    ["has a known task", { ...sound, task: "ranking" }],
    ["has a target", { ...sound, target: undefined }],
    ["has the network's task", { version: 1, task: "regression", target: "t", mean: 0, deviation: 1, columns: sound.columns, notes: [] }],
    ["has as many classes as the network outputs", { ...sound, classes: ["a", "b", "c"] }],
    ["has classes in order", { ...sound, classes: ["b", "a"] }],
    ["has each class once", { ...sound, classes: ["a", "a"] }],
    ["has classes that are numbers in the order of numbers", { ...sound, classes: ["10", "9"] }],
    ["has classes of one type", { ...sound, classes: [1, "2"] }],
    ["has classes that are not missing", { ...sound, classes: ["", "a"] }],
    ["has classes that are trimmed", { ...sound, classes: [" a", "b"] }],
    ["has columns", { ...sound, columns: [] }],
    ["has as many inputs as the network", { ...sound, columns: [x] }],
    ["has each column once", { ...sound, columns: [x, { ...y, name: "x" }] }],
    ["has no column of the target's name", { ...sound, columns: [x, { ...y, name: "t" }] }],
    ["has columns of known kind", { ...sound, columns: [{ ...x, kind: "date" }, y] }],
    ["has no unknown key in a column", { ...sound, columns: [{ ...x, extra: 1 }, y] }],
    ["has deviations from 0 up", { ...sound, columns: [{ ...x, deviation: -1 }, y] }],
    ["has a deviation above 0 without an indicator", { ...sound, columns: [{ ...x, indicator: false, deviation: 0 }, { ...y, categories: ["p", "q", null] }] }],
    ["has finite numbers", JSON.stringify(sound).replace('"mean":0', '"mean":1e999')],
    ["has numbers that are numbers", { ...sound, columns: [{ ...x, mean: "0" }, y] }],
    ["has each category once", { ...sound, columns: [x, { ...y, categories: ["p", "p"] }] }],
    ["has categories that are text", { ...sound, columns: [x, { ...y, categories: ["p", 1] }] }],
    ["has null for missing", { ...sound, columns: [x, { ...y, categories: ["p", "NA"] }] }],
    ["has other only beyond 100 categories", { ...sound, columns: [x, { ...y, other: true }] }],
    ["has notes that are text", { ...sound, notes: [1] }],
  ];
  it.each(broken)("%s", async (_, preparation, code = "badTabular") => {
    const error = await Tabular.load(file(preparation)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ModelFormatError);
    expect((error as ModelFormatError).code).toBe(code);
    expect((error as ModelFormatError).message).toMatch(/^load: metadata 'rosenblatt\.tabular'/);
  });

  describe("of a regression", () => {
    const soundNumber = { version: 1, task: "regression", target: "t", mean: 3, deviation: 2, columns: sound.columns, notes: [] };
    const load = async (preparation: unknown, last = dense(1)): Promise<Tabular> => {
      const { tensors, metadata } = readSafetensors((await Network.create({ inputs: 5, layers: [dense(3, "relu"), last] })).save());
      return Tabular.load(writeSafetensors([...tensors].map(([name, tensor]) => ({ name, ...tensor })), { ...Object.fromEntries(metadata), "rosenblatt.tabular": JSON.stringify(preparation) }));
    };
    const rejection = (message: string) => expect.objectContaining({ code: "badTabular", message: expect.stringContaining(message) });

    it("is loaded, and answers in the target's unit", async () => {
      const model = await load(soundNumber);
      expect(model.task).toBe("regression");
      const inputs = [[0, 1, 0, 1, 0], [-1.5, 0, 1, 0, 0]];
      const rows = [{ x: null, y: "" }, { x: -1.5, y: "p" }];
      const outputs = model.network.predict([[0, 1, 0, 1, 0], [-1.5, 0, 1, 0, 0]]);
      expect(inputs.length).toBe(rows.length);
      (model.predict(rows) as ArrayLike<number>[] & number[]).forEach((value, i) => expect(value).toBeCloseTo(3 + 2 * outputs[i], 5));
    });
    it.each([0, -1])("has a deviation above 0: %d is refused", async (deviation) => {
      await expect(load({ ...soundNumber, deviation })).rejects.toEqual(rejection(`deviation: expected a number above 0, got ${deviation}`));
    });
    it("has one linear output", async () => {
      for (const [last, got] of [[dense(2), "regression, 2 and linear"], [dense(1, "sigmoid"), "regression, 1 and sigmoid"]] as const) {
        await expect(load(soundNumber, last)).rejects.toEqual(rejection(`task: expected classification, or a network with one linear output, got ${got}`));
      }
    });
  });

  it.each([[2, false, true], [1, false, false], [99, true, false], [100, false, true], [100, true, true], [101, true, false], [101, false, false]])("with %d categories and other %s: %s", async (count, other, isSound) => {
    const categories = Array.from({ length: count }, (_, i) => `c${String(i).padStart(3, "0")}`);
    const wide = await Network.create({ inputs: count + 1, layers: [dense(2, "softmax")] });
    const { tensors, metadata } = readSafetensors(wide.save());
    const text = JSON.stringify({ ...sound, columns: [{ ...y, categories, other }] });
    const loaded = Tabular.load(writeSafetensors([...tensors].map(([name, tensor]) => ({ name, ...tensor })), { ...Object.fromEntries(metadata), "rosenblatt.tabular": text }));
    if (isSound) expect((await loaded).columns).toEqual(["y"]);
    else await expect(loaded).rejects.toEqual(expect.objectContaining({ code: "badTabular" }));
  });

  it("holds the preparation under its own metadata key, as one JSON string", () => {
    const { metadata, tensors } = readSafetensors(file(sound));
    expect([...metadata.keys()]).toEqual(["rosenblatt", "rosenblatt.tabular"]);
    expect(JSON.parse(metadata.get("rosenblatt.tabular")!)).toEqual(sound);
    expect(writeSafetensors([...tensors].map(([name, tensor]) => ({ name, ...tensor })), metadata)).toEqual(file(sound));
  });
});
