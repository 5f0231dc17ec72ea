// The library itself: fit with everything that it does (shuffling, gathering, epochs), predict from and into typed arrays.

import * as library from "../../dist/index.js";
import { createPrediction, createTraining } from "../library.mjs";
import { batch, single } from "./work.mjs";

export async function create({ network, folder, variant }) {
  const threads = Number(variant);
  let trainer;
  const train = {
    async prepare() {
      trainer = await createTraining(library, network, 600);
      const { available, reason } = trainer.model.threads;
      if (threads > available) throw new Error(`${available} thread: ${reason ?? "no more cores"}`);
      if (threads > 1) await trainer.block(1500, threads);
    },
    time: (ms) => trainer.block(ms, threads),
  };
  if (threads > 1) return { train };
  const prediction = await createPrediction(library, network);
  return { train, single: single({ call: prediction.single, folder }), batch: batch({ call: prediction.batch, folder }) };
}
