// A network as a table for people.

import { formatActivation } from "../describe/activations.js";
import { formatBytes } from "../model.js";
import type { Model } from "../model.js";

/** A line a layer: index, kind, shape, activation, parameters; then the sums. */
export function formatSummary({ topology, description }: Model): string {
  const rows = [["layer", "kind", "inputs", "units", "activation", "parameters"]];
  for (const { index, kind, inputs, units, spec, weights, biases, slopes } of topology.layers) {
    const parameters = String(weights.length + biases.length + slopes.length) + (spec.trainable ? "" : " (frozen)");
    rows.push([String(index), kind, String(inputs), String(units), formatActivation(spec.activation), parameters]);
  }
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const isNumber = [true, false, true, true, false, false];
  const lines = rows.map((row) => row.map((cell, i) => (isNumber[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join("  ").trimEnd());
  lines.splice(1, 0, "-".repeat(Math.max(...lines.map((line) => line.length))));
  const frozen = topology.length - topology.trainable;
  lines.push("", `${topology.length} parameters (${formatBytes(4 * topology.length)})${frozen > 0 ? `, ${frozen} of them frozen` : ""}, seed ${description.seed}`);
  return lines.join("\n");
}
