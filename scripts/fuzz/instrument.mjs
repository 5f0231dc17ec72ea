// Bundles the reader of model files with a counter in every branch, so that the fuzz loop sees which way each file took.
//
//   if (a) b; else c   →   if (a) { hits[7]++; b } else { hits[8]++; c }        a && b   →   a && (hits[9]++, b)
//
// A counter is a byte of globalThis.fuzzHits that stops at nothing and wraps; the loop clears all of them before each file. The sources are
// transformed by the TypeScript compiler and bundled by esbuild, without a change of the files.
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import ts from "typescript";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** What reads a file: everything between the bytes and a network. */
const READERS = /^src\/(files\/(description|json|model|safetensors)|describe\/(activations|initializers|layers|losses|optimizers|schedules)|check|plan\/layout|tabular\/preparation)\.ts$/;

const entry = `
  export { ModelFormatError, Network } from "./src/index.js";
  export * as library from "./src/index.js";
  export { readModel } from "./src/files/model.js";
  export { readPreparation } from "./src/tabular/preparation.js";
`;

/** A transformer that adds counters, numbered by `next`. */
function counters(next) {
  return (context) => {
    const { factory } = context;
    let source;
    let line = 0;
    const count = () => factory.createPostfixIncrement(factory.createElementAccessExpression(factory.createIdentifier("fuzzHits"), next(line)));
    const counted = (statement) => {
      const all = ts.isBlock(statement) ? statement.statements : [statement];
      return factory.createBlock([factory.createExpressionStatement(count()), ...all], true);
    };
    const followed = (expression) => factory.createParenthesizedExpression(factory.createComma(count(), expression));
    const { AmpersandAmpersandToken, BarBarToken, QuestionQuestionToken } = ts.SyntaxKind;
    const visit = (node) => {
      const seen = ts.visitEachChild(node, visit, context);
      line = ts.getLineAndCharacterOfPosition(source, node.pos < 0 ? 0 : node.getStart(source)).line + 1;
      if (ts.isIfStatement(seen)) {
        return factory.updateIfStatement(seen, seen.expression, counted(seen.thenStatement), counted(seen.elseStatement ?? factory.createBlock([])));
      }
      if (ts.isConditionalExpression(seen)) {
        return factory.createConditionalExpression(seen.condition, undefined, followed(seen.whenTrue), undefined, followed(seen.whenFalse));
      }
      if (ts.isBinaryExpression(seen) && [AmpersandAmpersandToken, BarBarToken, QuestionQuestionToken].includes(seen.operatorToken.kind)) {
        return factory.createBinaryExpression(seen.left, seen.operatorToken, followed(seen.right));
      }
      if (ts.isCaseClause(seen)) return factory.updateCaseClause(seen, seen.expression, [factory.createExpressionStatement(count()), ...seen.statements]);
      if (ts.isForStatement(seen)) return factory.updateForStatement(seen, seen.initializer, seen.condition, seen.incrementor, counted(seen.statement));
      if (ts.isForOfStatement(seen)) return factory.updateForOfStatement(seen, seen.awaitModifier, seen.initializer, seen.expression, counted(seen.statement));
      if (ts.isWhileStatement(seen)) return factory.updateWhileStatement(seen, seen.expression, counted(seen.statement));
      if (ts.isCatchClause(seen)) return factory.updateCatchClause(seen, seen.variableDeclaration, counted(seen.block));
      if (ts.isArrowFunction(seen) && !ts.isBlock(seen.body)) {
        return factory.updateArrowFunction(seen, seen.modifiers, seen.typeParameters, seen.parameters, seen.type, seen.equalsGreaterThanToken, followed(seen.body));
      }
      if ((ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node)) && seen.body) {
        const body = counted(seen.body);
        return ts.isFunctionDeclaration(seen)
          ? factory.updateFunctionDeclaration(seen, seen.modifiers, seen.asteriskToken, seen.name, seen.typeParameters, seen.parameters, seen.type, body)
          : factory.updateMethodDeclaration(seen, seen.modifiers, seen.asteriskToken, seen.name, seen.questionToken, seen.typeParameters, seen.parameters, seen.type, body);
      }
      return seen;
    };
    return (file) => {
      source = file;
      return ts.visitNode(file, visit);
    };
  };
}

/**
 * Builds and imports the instrumented library.
 * @returns {Promise<{ library: object, hits: Uint8Array, places: { name: string, line: number }[] }>} `places[i]`: where counter i is
 */
export async function instrumented() {
  const places = [];
  const outfile = join(root, "build", "fuzz", "library.mjs");
  await mkdir(dirname(outfile), { recursive: true });
  await build({
    absWorkingDir: root, stdin: { contents: entry, resolveDir: root, loader: "ts" }, outfile, bundle: true, format: "esm", platform: "node", target: "es2022", logLevel: "warning",
    plugins: [{
      name: "counters",
      setup({ onLoad }) {
        onLoad({ filter: /\.ts$/ }, async ({ path }) => {
          const name = relative(root, path).replaceAll("\\", "/");
          if (!READERS.test(name)) return undefined;
          const next = (line) => places.push({ name, line }) - 1;
          const { outputText } = ts.transpileModule(await readFile(path, "utf8"), {
            fileName: path, compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true }, transformers: { before: [counters(next)] },
          });
          return { contents: outputText, loader: "js" };
        });
      },
    }],
  });
  const hits = (globalThis.fuzzHits = new Uint8Array(places.length));
  return { library: await import(`${pathToFileURL(outfile)}?${Date.now()}`), hits, places };
}
