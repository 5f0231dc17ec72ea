/** An edit that the tests have to notice; scripts/faults/list.mjs. */
export interface Fault {
  readonly name: string;
  readonly what: string;
  readonly file: string;
  readonly find: string;
  readonly put: string;
  readonly tests: readonly string[];
  readonly only?: string;
}

export const faults: readonly Fault[];
