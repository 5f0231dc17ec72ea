import type { Finding, LayerDiagnosis } from "../describe/diagnosis.js";
import type { Loss } from "../describe/losses.js";
import type { Model } from "../model.js";
import type { NetworkFigures } from "./diagnosis.js";
import type { Redundancy } from "./redundancy.js";

/** What the findings are made from. */
export interface Findable {
  readonly model: Model;
  readonly figures: NetworkFigures;
  readonly layers: readonly LayerDiagnosis[];
  readonly redundant: readonly Redundancy[];
  readonly loss: Loss | undefined;
}
export function findings(_: Findable): Finding[] {
  return [];
}
