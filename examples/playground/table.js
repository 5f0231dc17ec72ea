/** A table's rows as numbers: a column of numbers stays one and its gaps become the mean; any other has a 0 or 1 for each of its values. */
function pairsOf(rows, target, labels) {
  const missing = (cell) => /^\s*(|na|n\/a|nan|null|\?)\s*$/i.test(cell);
  const kept = rows.filter((row) => !missing(row[target]));
  const columns = Object.keys(rows[0]).filter((name) => name !== target).flatMap((name) => {
    const known = kept.map((row) => row[name]).filter((cell) => !missing(cell));
    const values = [...new Set(known)];
    if (values.every((cell) => Number.isFinite(Number(cell)))) {
      const mean = known.reduce((sum, cell) => sum + Number(cell), 0) / (known.length || 1);
      return [(row) => (missing(row[name]) ? mean : Number(row[name]))];
    }
    // names and comments tell nothing of other rows
    if (values.length > 20 && values.length > known.length / 2) return [];
    return values.slice(0, 100).map((value) => (row) => Number(row[name] === value));
  });
  return kept.map((row) => [columns.map((column) => column(row)), labels ? labels.indexOf(row[target].trim()) : Number(row[target])]);
}

/** By the training part's mean and deviation. */
function standardiseTargets(training, test) {
  const mean = training.reduce((sum, y) => sum + y, 0) / training.length;
  const deviation = Math.sqrt(training.reduce((sum, y) => sum + (y - mean) ** 2, 0) / training.length) || 1;
  for (const targets of [training, test]) targets.forEach((y, i) => (targets[i] = (y - mean) / deviation));
}
