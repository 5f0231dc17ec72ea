// The table of a comparison, for the terminal and for the page.

import type { DetailedComparison } from "../compare/compare.js";
import { figure } from "./terminal.js";

/** Head and rows, as text. */
export function tableOf({ rows }: DetailedComparison): string[][] {
  const names = Object.keys(rows[0].metrics);
  const spread = ({ mean, deviation }: { mean: number; deviation: number }): string => `${figure(mean)} ± ${figure(deviation)}`;
  return [
    ["activation", "loss", ...names, "epochs to best", "seconds", "findings", "differs"],
    ...rows.map(({ activation, loss, metrics, epochsToBest, seconds, findings, versusBest }) => [
      activation, spread(loss), ...names.map((name) => spread(metrics[name])), figure(epochsToBest), seconds.toFixed(2),
      findings.length === 0 ? "none" : [...new Set(findings.map(({ kind }) => kind))].join(", "),
      versusBest === undefined ? "best" : `${versusBest.differs ? "yes" : "no"}, p ${versusBest.pValue < 0.001 ? "< 0.001" : figure(versusBest.pValue)}`,
    ]),
  ];
}
