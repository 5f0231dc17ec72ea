// rosenblatt/tabular: networks over tables with named columns, and CSV.

export { readCSV } from "./csv.js";
export type { CSVStream, TextRow } from "./csv.js";
export type { Column, NumericColumn, Row, TextColumn } from "./columns.js";
export { Tabular } from "./tabular.js";
export type { TabularOptions } from "./options.js";
export type { TabularEvaluation } from "./predict.js";
export type { ClassPreparation, NumberPreparation, Preparation } from "./preparation.js";
export type { Label, Task } from "./target.js";
