// Writes test/golden/safetensors.json: a model file of this library as Python reads it, and the same tensors as Python writes them.
//
//   node scripts/interchange.mjs            needs Python 3 with numpy, and a build; with the package safetensors where it is installed
//
// scripts/interchange.py reads and writes with Hugging Face's package, or says that it has none: a reader of ten lines then stands in for it.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { dense, Network, prelu } from "../dist/index.js";

const root = fileURLToPath(new URL("..", import.meta.url));

const network = await Network.create({ inputs: 3, layers: [dense(5, prelu()), dense(2, "softmax")], seed: 3 });
let steps = 0;
const onBatch = () => { if (++steps === 3) throw new Error("stop"); };
await network.fit([[0.1, -0.4, 0.7], [0.9, 0.2, -0.3], [-0.6, 0.5, 0.4], [0.3, -0.8, -0.1]], [0, 1, 1, 0], {
  epochs: 9, batchSize: 2, optimizer: "adam", metrics: ["f1"], earlyStopping: { patience: 9 }, onBatch,
}).catch((error) => { if (error.message !== "stop") throw error; });
network.layers[0].weights.set([-0, 1e-45, 3.4028234663852886e38, 1 / 3]);

const folder = mkdtempSync(join(tmpdir(), "safetensors-"));
try {
  const [ours, theirs] = ["ours", "theirs"].map((name) => join(folder, `${name}.safetensors`));
  writeFileSync(ours, network.save());
  const read = JSON.parse(execFileSync("python3", [join(root, "scripts", "interchange.py"), ours, theirs], { encoding: "utf8" }));
  const golden = { ...read, ours: readFileSync(ours, "base64"), theirs: readFileSync(theirs, "base64") };
  writeFileSync(join(root, "test", "golden", "safetensors.json"), `${JSON.stringify(golden, null, 1)}\n`);
  console.log(`${read.reader}: ${Object.keys(read.tensors).length} tensors`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
