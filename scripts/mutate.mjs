// Mutation testing of src/: changes one condition, bound, operator or return value at a time in a copy of the tree, and runs the tests
// that import the changed file (`vitest related`). A mutant that no test notices has survived.
//
//   node scripts/mutate.mjs [mutants] [seed] [folder]     so many, drawn by the seed; 0 for all; files below src/<folder> only
//
// Writes build/reliability/mutation.json. Left alone: types, messages of errors, imports, and what runs in browsers only. Tests that start
// browsers or processes of their own are not run. A run that does not end counts as noticed, as a mutant that does not load does.

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { writeResult } from "./results.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const COPIED = ["assembly", "build", "dist", "examples", "scripts", "src", "test", "package.json", "asconfig.json", "tsconfig.json", "vitest.config.ts"];
const LONGEST_RUN_MS = 180_000;
/** Slow, or by other processes, which see dist/ and not the mutant. */
const LEFT_OUT = ["test/browser/**", "test/package.test.ts", "test/fuzz.test.ts", "test/worker-kills.test.ts", "test/memory.test.ts", "test/core-binary.test.ts"];

/** What stands in for an operator. */
const OPERATORS = {
  "<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<="], ">=": [">", "<"], "===": ["!=="], "!==": ["==="],
  "+": ["-"], "-": ["+"], "*": ["/"], "/": ["*"], "%": ["*"], "&&": ["||"], "||": ["&&"], "??": ["&&"], "+=": ["-="], "-=": ["+="], "*=": ["/="],
};

/** Whether the node lies in what is left alone. */
function leftAlone(node) {
  for (let at = node; at !== undefined; at = at.parent) {
    if (ts.isThrowStatement(at) || ts.isTypeNode(at) || ts.isImportDeclaration(at) || ts.isTemplateExpression(at)) return true;
  }
  return false;
}

/** The mutants of a file: places in its text and what stands there then. */
function mutantsOf(file) {
  const text = readFileSync(join(root, file), "utf8");
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  const mutants = [];
  const add = (node, put, kind) => {
    const start = node.getStart(source);
    mutants.push({ file, start, end: node.getEnd(), put, kind, line: source.getLineAndCharacterOfPosition(start).line + 1 });
  };
  const visit = (node) => {
    if (!leftAlone(node)) {
      if (ts.isBinaryExpression(node)) {
        const textual = [node.left, node.right].some((side) => ts.isStringLiteralLike(side));
        const operator = node.operatorToken.getText(source);
        if (!(textual && operator.startsWith("+"))) for (const put of OPERATORS[operator] ?? []) add(node.operatorToken, put, `${operator} → ${put}`);
      }
      if (ts.isIfStatement(node)) for (const put of ["true", "false"]) add(node.expression, put, `if → ${put}`);
      if (ts.isConditionalExpression(node)) for (const put of ["true", "false"]) add(node.condition, `(${put})`, `?: → ${put}`);
      if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken) add(node, `(${node.operand.getText(source)})`, "! removed");
      if (ts.isReturnStatement(node) && node.expression !== undefined) {
        if (node.expression.kind === ts.SyntaxKind.TrueKeyword) add(node.expression, "false", "return false");
        else if (node.expression.kind === ts.SyntaxKind.FalseKeyword) add(node.expression, "true", "return true");
        else add(node.expression, "undefined as never", "return undefined");
      }
      if (ts.isExpressionStatement(node) && ts.isCallExpression(node.expression) && node.expression.expression.kind !== ts.SyntaxKind.SuperKeyword) add(node, ";", "call removed");
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return mutants;
}

/** The first so many of a list that the seed has shuffled. */
function draw(list, count, seed) {
  let state = (seed % 2147483646) + 1;
  for (let i = list.length - 1; i > 0; i--) {
    state = (state * 16807) % 2147483647;
    const j = state % (i + 1);
    [list[i], list[j]] = [list[j], list[i]];
  }
  return count === 0 ? list : list.slice(0, count);
}

function copyTree() {
  const copy = mkdtempSync(join(tmpdir(), "rosenblatt-mutants-"));
  for (const name of COPIED) if (existsSync(join(root, name))) cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"), "junction");
  return copy;
}

/** Whether a test that is related to one of the files fails. */
function noticed(copy, ...changed) {
  const report = join(copy, "build/mutants.json");
  rmSync(report, { force: true });
  const excluded = LEFT_OUT.flatMap((pattern) => ["--exclude", pattern]);
  const parameters = ["related", ...changed, "--run", "--bail", "1", "--reporter=json", `--outputFile=${report}`, "--testTimeout=60000", ...excluded];
  const { status, error } = spawnSync(process.execPath, [join(root, "node_modules/vitest/vitest.mjs"), ...parameters], { cwd: copy, encoding: "utf8", timeout: LONGEST_RUN_MS });
  return error !== undefined || status !== 0;
}

const [count = 200, seed = 1] = process.argv.slice(2, 4).map(Number);
const below = `src/${process.argv[4] ?? ""}`;
const files = readdirSync(join(root, "src"), { recursive: true }).filter((name) => name.endsWith(".ts")).map((name) => `src/${name}`).filter((name) => name.startsWith(below)).sort();
const all = files.flatMap(mutantsOf);
const chosen = draw([...all], count, seed);
const copy = copyTree();
const survivors = [];
try {
  if (noticed(copy, [...new Set(chosen.map(({ file }) => file))].sort()[0])) throw new Error("mutate: expected tests that pass without a mutant, got failures. Run npm test first");
  for (const [i, { file, start, end, put, kind, line }] of chosen.entries()) {
    const path = join(copy, file);
    const sound = readFileSync(path, "utf8");
    writeFileSync(path, sound.slice(0, start) + put + sound.slice(end));
    const caught = noticed(copy, file);
    writeFileSync(path, sound);
    if (!caught) survivors.push(`${file}:${line} ${kind}`);
    console.log(`${i + 1}/${chosen.length} ${caught ? "noticed " : "SURVIVED"} ${file}:${line} ${kind}`);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
const score = (100 * (chosen.length - survivors.length)) / chosen.length;
console.log(`${chosen.length - survivors.length} of ${chosen.length} mutants noticed (${score.toFixed(1)} %), of ${all.length} in all; seed ${seed}`);
writeResult("mutation", { figure: `${score.toFixed(1)} % of ${chosen.length} mutants (of ${all.length}, seed ${seed})`, passed: score >= 85, score, survivors });
process.exitCode = score >= 85 ? 0 : 1;
