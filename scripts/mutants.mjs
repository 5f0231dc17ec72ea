// The mutants of a source file: one condition, bound, operator, return value or call changed; a seeded sample of them, in the proportion of
// the files; and a source that holds all chosen ones at once, of which the environment of a process switches one on (so that one build
// serves all, workers and processes that a test starts included). ROSENBLATT_MUTANT is the number of the one; where ROSENBLATT_REACHED
// names a file, each number that runs is written there, once a process.
//
// Left alone: types, imports, thrown messages and template texts.

import ts from "typescript";

/** What stands in for an operator. */
const OPERATORS = {
  "<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<="], ">=": [">", "<"], "===": ["!=="], "!==": ["==="],
  "+": ["-"], "-": ["+"], "*": ["/"], "/": ["*"], "%": ["*"], "&&": ["||"], "||": ["&&"], "??": ["&&"], "+=": ["-="], "-=": ["+="], "*=": ["/="],
};
const ASSIGNMENTS = new Set(["+=", "-=", "*="]);

/** Name of the switch in a source that holds mutants. */
const SWITCH = "mutant$";

const HEADER = `const ${SWITCH} = (() => {
  const host = (globalThis as any).process;
  const active = Number(host?.env?.ROSENBLATT_MUTANT ?? -1);
  const reached = host?.env?.ROSENBLATT_REACHED;
  const seen = new Set<number>();
  return (id: number): any => {
    if (reached !== undefined && !seen.has(id)) {
      seen.add(id);
      host.getBuiltinModule("node:fs").appendFileSync(reached, id + "\\n");
    }
    return id === active;
  };
})();
`;

function leftAlone(node) {
  return ts.isThrowStatement(node) || ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isTemplateExpression(node);
}

/** The mutants of one node alone: what kind, and a function of the node's own text and its operands' that gives the mutant's. */
function mutantsOfNode(node, source) {
  const found = [];
  if (ts.isBinaryExpression(node)) {
    const operator = node.operatorToken.getText(source);
    const textual = operator.startsWith("+") && [node.left, node.right].some((side) => ts.isStringLiteralLike(side));
    for (const put of textual ? [] : (OPERATORS[operator] ?? [])) found.push({ at: node, kind: `${operator} → ${put}`, put });
  }
  if (ts.isIfStatement(node)) for (const put of ["true", "false"]) found.push({ at: node.expression, kind: `if → ${put}`, put });
  if (ts.isConditionalExpression(node)) for (const put of ["true", "false"]) found.push({ at: node.condition, kind: `?: → ${put}`, put });
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken) found.push({ at: node, kind: "! removed" });
  if (ts.isReturnStatement(node) && node.expression !== undefined) {
    const { kind } = node.expression;
    const put = kind === ts.SyntaxKind.TrueKeyword ? "false" : kind === ts.SyntaxKind.FalseKeyword ? "true" : "undefined";
    found.push({ at: node.expression, kind: `return ${put}`, put });
  }
  if (ts.isExpressionStatement(node) && ts.isCallExpression(node.expression) && node.expression.expression.kind !== ts.SyntaxKind.SuperKeyword) {
    found.push({ at: node, kind: "call removed" });
  }
  return found;
}

const parse = (file, text) => ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);

/**
 * The mutants of a source file, in the order of its text.
 * @returns of each the place of what it changes (`start`, `end`), its line and kind
 */
export function mutantsOf(file, text) {
  const source = parse(file, text);
  const mutants = [];
  const visit = (node) => {
    if (leftAlone(node)) return;
    for (const { at, kind, put } of mutantsOfNode(node, source)) {
      const start = at.getStart(source);
      mutants.push({ file, kind, put, start, end: at.getEnd(), line: source.getLineAndCharacterOfPosition(start).line + 1 });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return mutants;
}

/** Park and Miller's generator, begun by a seed and a text. */
function generator(seed, text) {
  let state = (seed % 2147483646) + 1;
  const next = () => (state = (state * 16807) % 2147483647);
  for (const character of text) state = ((state + character.charCodeAt(0)) * 16807) % 2147483647 || 1;
  return next;
}

/** A copy of the list in an order drawn by a seed and a text. */
export function shuffle(list, seed, text) {
  const next = generator(seed, text);
  const shuffled = [...list];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = next() % (i + 1);
    [shuffled[i], shuffled[j]] = [shuffled[j], shuffled[i]];
  }
  return shuffled;
}

/**
 * A sample in the proportion of the files: each has its share of the count, rounded by the largest remainder, drawn within it by the seed.
 * @param mutants of all files
 * @param count of the sample; 0 for all
 */
export function drawSample(mutants, count, seed) {
  if (count === 0 || count >= mutants.length) return mutants;
  const files = new Map();
  for (const mutant of mutants) files.set(mutant.file, [...(files.get(mutant.file) ?? []), mutant]);
  const shares = [...files].map(([file, list]) => ({ file, list, exact: (count * list.length) / mutants.length }));
  for (const share of shares) share.taken = Math.floor(share.exact);
  let left = count - shares.reduce((sum, { taken }) => sum + taken, 0);
  for (const share of [...shares].sort((a, b) => b.exact - b.taken - (a.exact - a.taken))) if (left-- > 0) share.taken++;
  return shares.flatMap(({ file, list, taken }) => {
    return shuffle(list, seed, file).slice(0, taken).sort((a, b) => a.start - b.start);
  });
}

/**
 * The source with the chosen mutants in it, each behind the switch.
 * @param chosen mutants of this file, each with its number `id`
 */
export function withMutants(file, text, chosen) {
  const source = parse(file, text);
  const places = new Map();
  for (const mutant of chosen) {
    const key = `${mutant.start} ${mutant.end}`;
    places.set(key, [...(places.get(key) ?? []), mutant]);
  }
  const emitChildren = (node) => {
    let out = "";
    let at = node === source ? 0 : node.getStart(source);
    ts.forEachChild(node, (child) => {
      const start = child.getStart(source);
      if (start < at) return;
      out += text.slice(at, start) + emit(child);
      at = child.getEnd();
    });
    return out + text.slice(at, node.getEnd());
  };
  const emit = (node) => {
    const here = places.get(`${node.getStart(source)} ${node.getEnd()}`) ?? [];
    const own = (kinds) => here.filter(({ kind, used }) => !used && kinds(kind));
    let sound = emitChildren(node);
    const take = (list, changed) => {
      for (const mutant of list) {
        mutant.used = true;
        sound = `(${SWITCH}(${mutant.id}) ? ${changed(mutant)} : (${sound}))`;
      }
    };
    if (ts.isBinaryExpression(node)) {
      const operator = node.operatorToken.getText(source);
      const [left, right] = [emit(node.left), emit(node.right)];
      for (const mutant of own((kind) => kind.startsWith(`${operator} → `))) {
        take([mutant], ({ put }) => (ASSIGNMENTS.has(operator) ? `(${left} ${put} (${right}))` : `((${left}) ${put} (${right}))`));
      }
    }
    if (ts.isPrefixUnaryExpression(node)) take(own((kind) => kind === "! removed"), () => `(${emit(node.operand)})`);
    const expression = ts.isExpression(node);
    if (expression) take(own((kind) => /^(if|\?:) →|^return /.test(kind)), ({ put }) => put);
    if (ts.isExpressionStatement(node)) {
      for (const mutant of own((kind) => kind === "call removed")) {
        mutant.used = true;
        sound = `{ if (!${SWITCH}(${mutant.id})) { ${sound} } }`;
      }
    }
    return sound;
  };
  const body = emitChildren(source);
  const lost = chosen.filter(({ used }) => !used);
  if (lost.length > 0) throw new Error(`mutants: expected a place for each, got none for ${lost.map(({ line, kind }) => `${file}:${line} ${kind}`).join(", ")}`);
  return HEADER + body;
}

/** Wilson's interval of a share, at 95 %. */
export function interval(successes, trials) {
  const z = 1.959964;
  const share = successes / trials;
  const middle = share + (z * z) / (2 * trials);
  const half = z * Math.sqrt((share * (1 - share)) / trials + (z * z) / (4 * trials * trials));
  const whole = 1 + (z * z) / trials;
  return [(middle - half) / whole, (middle + half) / whole];
}
