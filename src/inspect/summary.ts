// A network as a table for people.

import { formatActivation } from "../describe/activations.js";
import { formatBytes } from "../model.js";
import { tensorsOf } from "../plan/layout.js";
import type { Model } from "../model.js";

/** A line a layer: index, kind, shape, activation, parameters; then the sums. */
export function formatSummary({ topology, description }: Model): string {
  const rows = [["layer", "kind", "inputs", "units", "activation", "parameters"]];
  for (const shape of topology.layers) {
    const { index, kind, inputs, units, spec } = shape;
    const count = tensorsOf(shape).reduce((sum, { run, statistic }) => sum + (statistic ? 0 : run.length), 0);
    const parameters = String(count) + (kind === "dense" && !spec.trainable ? " (frozen)" : "");
    rows.push([String(index), kind, String(inputs), String(units), kind === "dense" ? formatActivation(spec.activation) : kind === "dropout" ? `rate ${spec.rate}` : "", parameters]);
  }
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const isNumber = [true, false, true, true, false, false];
  const lines = rows.map((row) => row.map((cell, i) => (isNumber[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join("  ").trimEnd());
  lines.splice(1, 0, "-".repeat(Math.max(...lines.map((line) => line.length))));
  const { statistics, trainable } = topology;
  const parameters = topology.length - statistics;
  const frozen = parameters - trainable;
  const beside = statistics > 0 ? `, ${statistics} running statistics` : "";
  lines.push("", `${parameters} parameters (${formatBytes(4 * parameters)})${frozen > 0 ? `, ${frozen} of them frozen` : ""}${beside}, seed ${description.seed}`);
  return lines.join("\n");
}
