// No number that ends in a weight, a loss or a prediction is made by a function of the host that engines compute differently: over the files of src/ there is
// no Math.exp, log, pow, sin and their like, and no `**` but of two integers that are written out, except where a file only shows or reports.

import { readdirSync, readFileSync } from "node:fs";
import ts from "typescript";
import { expect, test } from "vitest";

/** Exact in every engine, by IEEE 754 or because they choose, round or count. */
const EXACT = new Set(["sqrt", "fround", "abs", "min", "max", "floor", "ceil", "trunc", "round", "sign", "imul", "clz32", "PI", "SQRT2", "LN2", "E"]);

/** Files that may use others, and why. */
const ALLOWED: Record<string, string> = {
  "cli/comparison-page.ts": "ticks of a logarithmic axis in a page that is looked at",
  "cli/report.ts": "squares of differences for the coefficient of determination that a report shows",
  "inspect/findings.ts": "squares of columns' figures, compared to say in a finding which column is largest",
  "report/charts.ts": "distances between the ticks of a chart",
  "train/ttest.ts": "the probability of a paired test that a comparison shows",
};

const root = new URL("../src/", import.meta.url);

/** The places of a source where a number may differ between engines. */
function uses(name: string, text: string): string[] {
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.ES2022, true);
  const found: string[] = [];
  const tell = (node: ts.Node, what: string): void => void found.push(`${name}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}: ${what}`);
  const integer = (node: ts.Expression): boolean => {
    const plain = ts.isPrefixUnaryExpression(node) ? node.operand : ts.isParenthesizedExpression(node) ? node.expression : node;
    if (plain !== node && !ts.isNumericLiteral(plain)) return integer(plain as ts.Expression);
    return ts.isNumericLiteral(plain) && Number.isInteger(Number(plain.text)) || ts.isBigIntLiteral(plain);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === "Math") {
      if (!EXACT.has(node.name.text)) tell(node, `Math.${node.name.text}`);
    } else if (ts.isIdentifier(node) && node.text === "Math" && !(ts.isPropertyAccessExpression(node.parent) && node.parent.expression === node)
      && !(ts.isPropertyAccessExpression(node.parent) && node.parent.name === node) && !ts.isTypeNode(node.parent)) tell(node, "Math itself");
    else if (ts.isBinaryExpression(node) && [ts.SyntaxKind.AsteriskAsteriskToken, ts.SyntaxKind.AsteriskAsteriskEqualsToken].includes(node.operatorToken.kind)
      && !(integer(node.left) && integer(node.right))) tell(node, node.getText());
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const files = readdirSync(root, { recursive: true, encoding: "utf8" }).map((file) => file.replaceAll("\\", "/")).filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts")).sort();

test("no host function that engines differ in is on the way to a number", () => {
  expect(files.length).toBeGreaterThan(80);
  const found = Object.fromEntries(files.map((file) => [file, uses(file, readFileSync(new URL(file, root), "utf8"))]).filter(([, places]) => places.length > 0));
  for (const file of Object.keys(ALLOWED)) delete found[file];
  expect(found).toEqual({});
});

test("what is allowed is still there, with a reason", () => {
  for (const [file, reason] of Object.entries(ALLOWED)) {
    expect(reason.length).toBeGreaterThan(20);
    expect(uses(file, readFileSync(new URL(file, root), "utf8")).length, file).toBeGreaterThan(0);
  }
});

test.each([
  ["const a = Math.exp(x);", 1], ["const { log } = Math;", 1], ["const a = Math['pow'](x, y);", 1], ["const m = Math;", 1], ["a **= 2;", 1], ["const a = x ** 2;", 1], ["const a = 0.5 ** 3;", 1],
  ["const a = 2 ** x;", 1], ["const a = Math.sqrt(x) + Math.fround(y) * 2 ** 32 + 2 ** -53;", 0], ["const a = model.Math;", 0],
])("it sees %s", (text, count) => expect(uses("a.ts", text).length).toBe(count));
