// The command rosenblatt: its subcommands with their options, and what becomes of errors and signals.
//
//   stdout   results           exit code 0   done
//   stderr   progress, notes,            1   failed: one line that says what is wrong and what to do
//            errors                      2   wrong usage
//                                      130   interrupted (Ctrl-C)

import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { didYouMean, listNames } from "../check.js";
import { activationNames } from "../describe/activations.js";
import { optimizerNames } from "../describe/optimizers.js";
import { tabularDefaults } from "../tabular/options.js";
import { compare } from "./compare.js";
import { evaluate } from "./evaluate.js";
import { exportFormats, exportModel } from "./export.js";
import { Interrupted, UsageError } from "./input.js";
import { inspect } from "./inspect.js";
import { usualOptions } from "./options.js";
import { predict } from "./predict.js";
import { escapeControls, styled } from "./terminal.js";
import { train } from "./train.js";
import { version } from "./version.js";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** 128 + the signal's number, as shells have it. */
const signalCodes = { SIGINT: 130, SIGTERM: 143 } as const;

const LARGEST_COUNT = 2 ** 31 - 1;

const number = (allowed: (value: number) => boolean, expected: string) => (text: string): number => {
  const value = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text.trim()) ? Number(text) : NaN;
  if (!allowed(value)) throw new InvalidArgumentError(`Expected ${expected}.`);
  return value;
};
const integer = (min: number, max: number) => number((value) => Number.isInteger(value) && value >= min && value <= max, `an integer from ${min} to ${max}`);
const share = number((value) => value >= 0 && Math.fround(value) < 1, "a number from 0 to below 1");

const oneOf = <T extends string>(names: readonly T[]) => (text: string): T => {
  if (names.includes(text as T)) return text as T;
  throw new InvalidArgumentError(`Expected one of ${listNames(names)}. ${didYouMean(text, names)}`.trim());
};

function hiddenLayers(text: string): number[] {
  if (text.trim() === "none") return [];
  return text.split(",").map((units) => {
    if (!/^\s*[1-9][0-9]{0,6}\s*$/.test(units)) throw new InvalidArgumentError("Expected the units of each layer, such as 64,32, or none.");
    return Number(units);
  });
}

function threads(text: string): number | "auto" {
  return text === "auto" ? text : number((value) => Number.isInteger(value) && value >= 1 && value <= 256, "'auto' or an integer from 1 to 256")(text);
}

const TABLES = `A table is a CSV file with a header line (separated by commas, semicolons, tabs
or bars), JSON (one object a line, or an array of them) or Parquet, as it is or
packed by gzip. Its content says which.`;

/** What stands below the options, for one who sees the command for the first time; the program's own under "". */
const helpTexts: Record<string, string> = {
  "": `
Begin with these:
  rosenblatt train data.csv --target species
      learn the column species from the others; writes model.safetensors
  rosenblatt predict model.safetensors new.csv
      a prediction for each row of new.csv, to stdout
  rosenblatt train --help
      all options of a command

Results go to stdout, all else to stderr. Exit codes: 0 done, 1 failed, 2 wrong
usage, 130 interrupted.`,
  train: `
Text columns, missing values and the scale of numbers are taken care of; notes
say what was left out and why. A part of the rows is held out and never trained
on: how well the model does on them is what it will do on new ones.

${TABLES}

Ctrl-C saves what there is and says how to go on; the second Ctrl-C ends at
once. The same data, options and seed give the same model, byte for byte,
interrupted or not.

  rosenblatt train data.csv --target price
  rosenblatt train data.csv --target price --hidden 128,64 --report report.html
  rosenblatt train data.csv --target price --checkpoint run.safetensors --every 30
  rosenblatt train data.csv --resume run.safetensors`,
  predict: `
Columns are matched by name; others are ignored, the target may be missing, and
so may cells. The output is CSV with the column prediction, one line a row, in
the same order; --probabilities adds p_<class> for each class.

${TABLES}

  rosenblatt predict model.safetensors new.csv --out predictions.csv
  cat new.jsonl | rosenblatt predict model.safetensors - --probabilities`,
  evaluate: `
${TABLES}

  rosenblatt evaluate model.safetensors labelled.csv --json`,
};

const abort = new AbortController();

/** Runs a subcommand and writes what it returns. */
function run(work: (signal: AbortSignal) => Promise<string>): Promise<void> {
  return work(abort.signal).then((text) => void process.stdout.write(text));
}

/** The names of the options that the user gave. */
function givenOptions(command: Command): ReadonlySet<string> {
  return new Set(Object.keys(command.opts()).filter((name) => command.getOptionValueSource(name) === "cli"));
}

function describe(): Command {
  const program = new Command("rosenblatt")
    .description("Learns to predict one column of a table from the others, with a multilayer perceptron.")
    .version(version(), "-V, --version", "print the version");

  const command = (name: string, description: string): Command =>
    program.command(name).description(description).version(version(), "-V, --version", "print the version");

  command("train", "train a network on a table and write the model")
    .argument("<data.csv>", "a table with named columns, or - for stdin")
    .option("--target <column>", "the column to learn (required)")
    .addOption(new Option("--task <task>", "classification or regression (default: by the target)").argParser(oneOf(["classification", "regression"])))
    .addOption(new Option("--hidden <units>", "units of the hidden layers, or none").argParser(hiddenLayers).default([...usualOptions.hidden], usualOptions.hidden.join(",")))
    .addOption(new Option("--activation <name>", "of the hidden layers").argParser(oneOf(activationNames.filter((name) => name !== "softmax"))).default(usualOptions.activation))
    .addOption(new Option("--optimizer <name>", optimizerNames.join(", ")).argParser(oneOf(optimizerNames)).default(usualOptions.optimizer))
    .option("--learning-rate <rate>", "above 0 (default: the optimizer's, 0.001 for adam)", number((value) => value > 0 && value < 1e38, "a number above 0"))
    .option("--epochs <count>", "at most so many", integer(1, LARGEST_COUNT), usualOptions.epochs)
    .option("--batch-size <rows>", "rows a step", integer(1, LARGEST_COUNT), usualOptions.batchSize)
    .option("--dropout <share>", "of each hidden layer's outputs, left out at random in training", share, usualOptions.dropout)
    .option("--l2 <penalty>", "penalty · the sum of squared weights joins the loss (default: 1 / training rows, a sixteenth of it for sigmoids)", number((value) => value >= 0 && value < 1e38, "a number from 0 up"))
    .option("--test <share>", "held out for the test", share, usualOptions.test)
    .option("--validation <share>", "of the rest, held out to stop early", share, usualOptions.validation)
    .option("--patience <epochs>", "without improvement before it stops", integer(0, LARGEST_COUNT), usualOptions.patience)
    .option("--seed <integer>", "of split, weights and order", integer(0, Number.MAX_SAFE_INTEGER), usualOptions.seed)
    .option("--threads <count>", "or auto", threads, "auto")
    .option("--out <file>", "the model", "model.safetensors")
    .option("--checkpoint <file>", "save the training there while it goes on, for --resume")
    .option("--every <seconds>", "between two checkpoints (default: 60)", number((value) => value > 0 && value <= 1e6, "a number of seconds above 0"))
    .option("--resume <file>", "finish the training that a checkpoint, or Ctrl-C, has saved; its options need not be given again")
    .option("--report <file>", "write a page with curves, errors, columns and what matters most, such as report.html")
    .option("--json", "print one JSON object")
    .option("--quiet", "no progress and no notes")
    .action((data, options, self) => run((signal) => train(data, options, givenOptions(self), signal)));

  command("predict", "predict the rows of a table")
    .argument("<model>", "a model that train wrote")
    .argument("<data.csv>", "a table with the columns of the training data, in any order, or -")
    .option("--out <file>", "write the predictions there, not to stdout")
    .option("--probabilities", "add a column p_<class> for each class")
    .action((model, data, options) => run((signal) => predict(model, data, options, signal)));

  command("evaluate", "measure a model on a table with known targets")
    .argument("<model>", "a model that train wrote")
    .argument("<data.csv>", "a table with the columns of the training data and the target, or -")
    .option("--json", "print one JSON object")
    .action((model, data, options) => run((signal) => evaluate(model, data, options, signal)));

  command("inspect", "show layers, target and columns of a model")
    .argument("<model>", "a model file")
    .option("--json", "print one JSON object")
    .action((model, options) => run(() => inspect(model, options)));

  command("export", "write a model as an ONNX model or an ES module")
    .argument("<model>", "a model file")
    .addOption(new Option("--to <format>", "onnx or module (required)").argParser(oneOf(exportFormats)))
    .option("--out <file>", "the file to write (required)")
    .action((model, options) => run(() => exportModel(model, options)));

  const hiddenNames = activationNames.filter((activation) => activation !== "softmax");
  command("compare", "try activations of the hidden layers on a CSV file")
    .argument("<data.csv>", "a CSV file with a header line, or -")
    .option("--target <column>", "the column to learn (required)")
    .addOption(new Option("--task <task>", "classification or regression (default: by the target)").argParser(oneOf(["classification", "regression"])))
    .option("--activations <names>", "those to compare", (text: string) => text.split(",").map((each) => oneOf(hiddenNames)(each.trim())), ["linear", "sigmoid", "tanh", "relu", "leakyRelu", "prelu"])
    .option("--hidden <units>", "units of the hidden layers", hiddenLayers, [16, 16])
    .option("--folds <count>", "parts that are held out in turn", integer(2, LARGEST_COUNT), 5)
    .option("--epochs <count>", "of each network", integer(1, LARGEST_COUNT), 100)
    .option("--batch-size <rows>", "rows a step", integer(1, LARGEST_COUNT), 32)
    .option("--learning-rate <rate>", "of adam, above 0", number((value) => value > 0 && value < 1e38, "a number above 0"), 0.003)
    .option("--seed <integer>", "of folds, weights and order", integer(0, Number.MAX_SAFE_INTEGER), tabularDefaults.seed)
    .option("--threads <count>", "networks side by side, or auto", threads, "auto")
    .option("--report <file>", "write a page with curves and pictures")
    .option("--json", "print one JSON object")
    .action((data, options) => run((signal) => compare(data, options, signal)));

  for (const [each, text] of Object.entries(helpTexts)) (each === "" ? program : program.commands.find((one) => one.name() === each))!.addHelpText("after", text);
  for (const each of [program, ...program.commands]) {
    each.exitOverride().configureOutput({ outputError: () => undefined }).helpCommand(false);
  }
  return program;
}

/** The one line of an error: which command, what is wrong. Errors in a file begin with its name and line and need no more. */
function errorLine(command: string, error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const message = escapeControls(text.replace(/^error: /, "").replace(/\s*\n\s*/g, " ").trim());
  const placed = message.startsWith(`${command}: `) || / (line|row) \d+: /.test(message);
  return placed ? message : `${command}: ${message}`;
}

async function main(): Promise<void> {
  const program = describe();
  const [name] = process.argv.slice(2);
  const command = program.commands.some((each) => each.name() === name) ? name : program.name();
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE" || process.exitCode === EXIT_FAILED) return;   // the reader has gone (`| head`), or knows already
      process.exitCode = EXIT_FAILED;
      if (stream === process.stdout) process.stderr.write(`${command}: stdout: expected output that can be written, got ${error.code}\n`);
    });
  }
  for (const [signal, code] of Object.entries(signalCodes)) {
    process.on(signal, () => {
      if (abort.signal.aborted) process.exit(code);                                       // the second time: at once
      abort.abort(new Interrupted(code));
    });
  }

  if (process.argv.length === 2) {
    program.outputHelp({ error: true });
    process.exitCode = EXIT_USAGE;
    return;
  }
  try {
    // commander would show the program's help beside a command that there is not
    if (command === program.name() && name !== undefined && !name.startsWith("-")) await program.parseAsync([name], { from: "user" });
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return;                  // --help, --version
    process.stderr.write(`${styled(process.stderr, "red", errorLine(command, error))}\n`);
    process.exitCode =
      error instanceof Interrupted ? error.exitCode : error instanceof CommanderError || error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
  }
}

await main();
