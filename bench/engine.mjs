// One Node with its flags: the products and the training of the wide networks, as one line of JSON. Started by bench/engines.mjs.

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as library from "../dist/index.js";
import { createTraining } from "./library.mjs";
import { networks } from "./networks.mjs";
import { createProbe, instantiate } from "./probe.mjs";
import { measureProducts, shapes } from "./products.mjs";

const binary = (name) => fileURLToPath(new URL(`../build/${name}.wasm`, import.meta.url));
const milliseconds = Number(process.argv[2] ?? 20);

const probe = await createProbe();
const cores = { plain: await instantiate(readFileSync(binary("release"))) };
const relaxed = existsSync(binary("relaxed")) ? readFileSync(binary("relaxed")) : undefined;
if (relaxed !== undefined && WebAssembly.validate(relaxed)) cores.relaxed = await instantiate(relaxed);
const products = measureProducts(cores, probe, { only: shapes.slice(0, 3), repeats: 5, milliseconds });
const training = {};
for (const network of networks.slice(3)) {
  const { block } = await createTraining(library, network, 10 * milliseconds);
  training[network.key] = (await block(10 * milliseconds)).samplesPerSecond;
}
console.log(JSON.stringify({ node: process.versions.node, v8: process.versions.v8, peak: probe.measure(), relaxed: "relaxed" in cores, products, training }));
