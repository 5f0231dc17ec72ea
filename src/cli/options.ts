// The options of `train` that decide on its result: their names on the command line, and what they are where they are not given.

import { tabularDefaults } from "../tabular/options.js";
import type { RunOptions } from "../tabular/run.js";

export const optionNames: { readonly [K in keyof RunOptions]: string } = {
  task: "--task", hidden: "--hidden", activation: "--activation", optimizer: "--optimizer", learningRate: "--learning-rate", epochs: "--epochs",
  batchSize: "--batch-size", dropout: "--dropout", l2: "--l2", test: "--test", validation: "--validation", patience: "--patience", seed: "--seed",
};

export const usualOptions = {
  task: null, hidden: tabularDefaults.hidden, activation: tabularDefaults.activation, optimizer: "adam", learningRate: null, epochs: tabularDefaults.epochs,
  batchSize: 32, dropout: 0, l2: null, test: 0.2, validation: tabularDefaults.validationSplit, patience: tabularDefaults.patience, seed: tabularDefaults.seed,
} as const satisfies RunOptions;
