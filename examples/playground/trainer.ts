// Trains one network in slices that can be stopped after any step: a slice is a fit, pausing aborts it and going on resumes it, so that the
// network is at every moment what one uninterrupted fit would have made of it.

import { Network } from "../../src/index.js";
import type { FitOptions } from "../../src/index.js";
import type { Data } from "./data.js";
import { layersOf, optimizerOf } from "./describe.js";
import type { State } from "./state.js";
import { Looks } from "./views.js";

/** Epochs of one fit: a resumed one has to have the same number. Reports of its epochs are held until it ends. */
const EPOCHS = 1000;
/** A fit ends at the first epoch's end after so long, so that speeds and options are looked at again. */
const SLICE_MS = 50;
/** What a pause waits for an epoch's end: less than one notices. */
const PATIENCE_MS = 150;

export class Trainer {
  network!: Network;
  /** Places of the dense layers. */
  dense: number[] = [];
  epochs = 0;
  steps = 0;
  trainingMs = 0;
  learningRate = 0;
  running = false;
  private unfinished = false;
  private fitting: Promise<void> | undefined;
  private controller = new AbortController();
  private counted = 0;

  readonly looks: Looks;

  constructor(public state: State, public data: Data) {
    this.looks = new Looks(state, data);
  }

  /** A new network, as the state describes it. */
  async reset(): Promise<void> {
    await this.pause();
    const { layers, dense } = layersOf(this.state, this.data.task, this.data.outputs);
    this.adopt(await Network.create({ inputs: this.data.inputs, layers, seed: this.state.seed }), dense);
  }

  /** Goes on with a network that was made elsewhere. */
  adopt(network: Network, dense: number[]): void {
    this.network = network;
    this.dense = dense;
    this.epochs = this.steps = this.trainingMs = this.counted = 0;
    this.learningRate = this.state.rate;
    this.unfinished = false;
  }

  /** Other options: the epoch in hand is given up, optimizer state stays. */
  async change(state: State): Promise<void> {
    const { running } = this;
    await this.pause();
    this.state = state;
    this.unfinished = false;
    this.counted = 0;
    this.running = running;
  }

  /** One slice: so many steps, or for a while. Rejects where the training diverges. */
  async slice(steps?: number): Promise<void> {
    this.controller = new AbortController();
    this.fitting = this.fit(steps);
    try {
      await this.fitting;
    } finally {
      this.fitting = undefined;
    }
  }

  private async fit(steps: number | undefined): Promise<void> {
    const { controller, looks: { training, loss } } = this;
    const began = performance.now();
    const batches = Math.ceil(training.count / this.state.batch);
    let left = steps ?? 0;
    const options: FitOptions = {
      epochs: EPOCHS, batchSize: this.state.batch, optimizer: optimizerOf(this.state), loss, metrics: [], threads: 1, resume: this.unfinished, signal: controller.signal,
      onEpoch: ({ learningRate }) => {
        this.epochs++;
        this.steps += batches - this.counted;
        this.counted = 0;
        this.learningRate = learningRate;
        if (steps === undefined && (!this.running || performance.now() - began > SLICE_MS)) return false;
        return undefined;
      },
      ...(steps === undefined ? {} : {
        onBatch: ({ learningRate }) => {
          this.steps++;
          this.counted++;
          this.learningRate = learningRate;
          if (--left <= 0) controller.abort();
        },
      }),
    };
    try {
      await this.network.fit(training.inputs, training.targets, options);
      this.unfinished = false;
    } catch (error) {
      if (!controller.signal.aborted || error !== controller.signal.reason) {
        this.unfinished = false;
        throw error;
      }
      this.unfinished = true;
    } finally {
      this.trainingMs += performance.now() - began;
    }
  }

  /** Resolves when no step runs: at the end of the epoch in hand, or after a step where that takes long. */
  async pause(): Promise<void> {
    this.running = false;
    const { controller } = this;
    const late = setTimeout(() => controller.abort(), PATIENCE_MS);
    await this.fitting?.catch(() => undefined);
    clearTimeout(late);
  }
}
