// The command rosenblatt: its subcommands with their options, and what becomes of errors and signals.
//
//   stdout   results           exit code 0   done
//   stderr   progress, notes,            1   failed: one line that says what is wrong and what to do
//            errors                      2   wrong usage
//                                      130   interrupted (Ctrl-C)

import { readFileSync } from "node:fs";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { didYouMean, listNames } from "../check.js";
import { activationNames } from "../describe/activations.js";
import { optimizerNames } from "../describe/optimizers.js";
import { tabularDefaults } from "../tabular/options.js";
import { evaluate } from "./evaluate.js";
import { exportFormats, exportModel } from "./export.js";
import { Interrupted, UsageError } from "./input.js";
import { inspect } from "./inspect.js";
import { predict } from "./predict.js";
import { escapeControls, styled } from "./terminal.js";
import { train } from "./train.js";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** 128 + the signal's number, as shells have it. */
const signalCodes = { SIGINT: 130, SIGTERM: 143 } as const;

const LARGEST_COUNT = 2 ** 31 - 1;

const number = (allowed: (value: number) => boolean, expected: string) => (text: string): number => {
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim()) ? Number(text) : NaN;
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

function version(): string {
  return (JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string }).version;
}

const abort = new AbortController();

/** Runs a subcommand and writes what it returns. */
function run(work: (signal: AbortSignal) => Promise<string>): Promise<void> {
  return work(abort.signal).then((text) => void process.stdout.write(text));
}

function describe(): Command {
  const program = new Command("rosenblatt")
    .description("Multilayer perceptrons for tables: train, predict, evaluate, inspect. '-' in place of a data file is stdin.")
    .version(version(), "-V, --version", "print the version");

  const command = (name: string, description: string): Command =>
    program.command(name).description(description).version(version(), "-V, --version", "print the version");

  command("train", "train a network on a CSV file and write the model")
    .argument("<data.csv>", "a CSV file with a header line, or -")
    .option("--target <column>", "the column to learn (required)")
    .addOption(new Option("--task <task>", "classification or regression (default: by the target)").argParser(oneOf(["classification", "regression"])))
    .option("--hidden <units>", "units of the hidden layers, or none", hiddenLayers, [...tabularDefaults.hidden])
    .addOption(new Option("--activation <name>", "of the hidden layers").argParser(oneOf(activationNames.filter((name) => name !== "softmax"))).default(tabularDefaults.activation))
    .addOption(new Option("--optimizer <name>", optimizerNames.join(", ")).argParser(oneOf(optimizerNames)).default("adam"))
    .option("--learning-rate <rate>", "above 0 (default: the optimizer's, 0.001 for adam)", number((value) => value > 0 && value < 1e38, "a number above 0"))
    .option("--epochs <count>", "at most so many", integer(1, LARGEST_COUNT), tabularDefaults.epochs)
    .option("--batch-size <rows>", "rows a step", integer(1, LARGEST_COUNT), 32)
    .option("--l2 <penalty>", "penalty · the sum of squared weights joins the loss (default: 1 / training rows, a sixteenth of it for sigmoids)", number((value) => value >= 0 && value < 1e38, "a number from 0 up"))
    .option("--test <share>", "held out for the test", share, 0.2)
    .option("--validation <share>", "of the rest, held out to stop early", share, tabularDefaults.validationSplit)
    .option("--patience <epochs>", "without improvement before it stops", integer(0, LARGEST_COUNT), tabularDefaults.patience)
    .option("--seed <integer>", "of split, weights and order", integer(0, Number.MAX_SAFE_INTEGER), tabularDefaults.seed)
    .option("--threads <count>", "or auto", threads, "auto")
    .option("--out <file>", "the model", "model.safetensors")
    .option("--json", "print one JSON object")
    .option("--quiet", "no progress and no notes")
    .action((data, options) => run((signal) => train(data, options, signal)));

  command("predict", "predict the rows of a CSV file")
    .argument("<model>", "a model that train wrote")
    .argument("<data.csv>", "a CSV file with the columns of the training data, in any order, or -")
    .option("--out <file>", "write the predictions there, not to stdout")
    .option("--probabilities", "add a column p_<class> for each class")
    .action((model, data, options) => run((signal) => predict(model, data, options, signal)));

  command("evaluate", "measure a model on a CSV file with known targets")
    .argument("<model>", "a model that train wrote")
    .argument("<data.csv>", "a CSV file with the columns of the training data and the target, or -")
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

  for (const each of [program, ...program.commands]) {
    each.exitOverride().configureOutput({ outputError: () => undefined }).helpCommand(false);
  }
  return program;
}

/** The one line of an error: which command, what is wrong. Errors in a file begin with its name and line and need no more. */
function errorLine(command: string, error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const message = escapeControls(text.replace(/^error: /, "").replace(/\s*\n\s*/g, " ").trim());
  const placed = message.startsWith(`${command}: `) || / line \d+: /.test(message);
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
  for (const [signal, code] of Object.entries(signalCodes)) process.on(signal, () => abort.abort(new Interrupted(code)));

  if (process.argv.length === 2) {
    process.stderr.write(program.helpInformation());
    process.exitCode = EXIT_USAGE;
    return;
  }
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return;                  // --help, --version
    process.stderr.write(`${styled(process.stderr, "red", errorLine(command, error))}\n`);
    process.exitCode =
      error instanceof Interrupted ? error.exitCode : error instanceof CommanderError || error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
  }
}

await main();
