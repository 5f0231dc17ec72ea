// What is played: a network and its options → instructions for the core. Pure: nothing is computed here and no memory is
// touched; a tape is a list of 32-bit words that the caller writes to its place.
//
// One training step, for a network of two layers:
//
//   gather · forward 0 · forward 1 · loss · backward 1 · dW 1 · dX 1 · backward 0 · dW 0 · penalty · finish · clip · update · running statistics
//
// The other tapes are pieces of it: predictions are the forwards, evaluation adds loss and finish, gradients stop before clip.

import { INSTRUCTION_WORDS, Op } from "../../assembly/codes.js";
import type { CustomActivation } from "../describe/customActivation.js";

/** What JavaScript computes before an instruction: a custom activation, forward from sums to activations, or its derivative times a gradient. */
export interface Callback {
  readonly custom: CustomActivation;
  readonly layer: number;
  /** Index of the instruction. */
  readonly before: number;
  /** Byte offsets of the matrices; the gradient is undefined forward. */
  readonly sums: number;
  readonly activations: number;
  readonly gradient: number | undefined;
  /** Floats of a row, and between rows. */
  readonly units: number;
  readonly stride: number;
}

/** Instructions in the making. */
export class Tape {
  readonly callbacks: Callback[] = [];
  private words = new Int32Array(32 * INSTRUCTION_WORDS);
  private floats = new Float32Array(this.words.buffer);
  count = 0;

  /** Adds an instruction; `fields` are pairs of a field and its word. */
  add(op: Op, fields: readonly (readonly [field: number, word: number])[]): void {
    if ((this.count + 1) * INSTRUCTION_WORDS > this.words.length) {
      const larger = new Int32Array(2 * this.words.length);
      larger.set(this.words);
      this.words = larger;
      this.floats = new Float32Array(larger.buffer);
    }
    const begin = this.count++ * INSTRUCTION_WORDS;
    this.words[begin] = op;
    for (const [field, word] of fields) this.words[begin + field] = word;
  }

  /** Adds what JavaScript computes between the instructions so far and those that follow. */
  call(callback: Omit<Callback, "before">): void {
    this.callbacks.push({ ...callback, before: this.count });
  }

  /** Sets fields of the last instruction that hold an f32. */
  float(fields: readonly (readonly [field: number, value: number])[]): void {
    const begin = (this.count - 1) * INSTRUCTION_WORDS;
    for (const [field, value] of fields) this.floats[begin + field] = value;
  }

  /** All words, to be copied to the tape's place. */
  get code(): Int32Array {
    return this.words.subarray(0, this.count * INSTRUCTION_WORDS);
  }
}
