import { test } from "vitest";
import * as library from "../src/index.js";
import { Follower } from "./oracle/training.js";
import { names, networks, train } from "./reproduce/networks.mjs";
test.each(names)("%s", async (name) => {
  let follower: Follower;
  const { network, history, digest } = await train(library, name, {
    threads: 1,
    create: async (o) => { const network = await library.Network.create(o); follower = new Follower(networks[name], network); return network; },
    onBatch: (r, n) => follower.step(r, n), onEpoch: (r) => follower.epoch(r),
  });
  follower!.end(network, networks[name].options.earlyStopping ? history.bestEpoch : history.epochs.length);
  console.log(name, digest.slice(0, 12), JSON.stringify(follower!.distance));
});
