// What the package adds to a program: small programs bundled by esbuild, minified and gzipped, the binary included.
//
//   npm run size [-- --modules]
//
// The exit code is 1 if one is above its limit. --modules tells what each source file of the first takes, minified. dist must be built.
// kB are 1,000 bytes, and limits are what is reached plus 2 %. The goal for training is 40 kB: 21 of what there is are the binary, the rest is what the
// methods of Network reach, of which a bundler can leave nothing out; predictions, which need few of them, have an entry of their own.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

const training = (entry, more = "") => `
  import { Network, adam, dense${more === "" ? "" : ", configure"} } from "${entry}";
  ${more}
  const network = await Network.create({ inputs: 4, layers: [dense(16, "relu"), dense(3, "softmax")], seed: 7 });
  await network.fit([[5.1, 3.5, 1.4, 0.2], [6.2, 2.9, 4.3, 1.3]], [0, 1], { epochs: 50, batchSize: 16, optimizer: adam({ learningRate: 0.01 }) });
  console.log(network.predict([5.1, 3.5, 1.4, 0.2]));`;

const predicting = `
  import { load } from "rosenblatt/predict";
  const network = await load(await (await fetch("model.safetensors")).arrayBuffer());
  console.log(network.predict([5.1, 3.5, 1.4, 0.2]));`;

/** Programs, the files that they fetch beside their bundle, and the most kB that both may take. */
const programs = [
  { name: "training", source: training("rosenblatt"), limit: 83.6 },
  { name: "training, rosenblatt/slim and core.wasm", source: training("rosenblatt/slim", 'configure({ wasm: await fetch("core.wasm") });'), beside: ["core.wasm"], limit: 89.2 },
  { name: "prediction, rosenblatt/predict", source: predicting, limit: 14.2 },
];

const gzipped = (bytes) => gzipSync(bytes, { level: 9 }).length;

async function bundle(contents) {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: root }, bundle: true, minify: true, format: "esm", target: "es2022", write: false, metafile: true, logLevel: "error",
  });
  return { code: outputFiles[0].contents, inputs: Object.values(metafile.outputs)[0].inputs };
}

async function modules() {
  const contents = training("./src/index.ts");
  const { inputs } = await bundle(contents);
  for (const [file, { bytesInOutput }] of Object.entries(inputs).sort(([, a], [, b]) => b.bytesInOutput - a.bytesInOutput)) console.log(`${String(bytesInOutput).padStart(7)}  ${file}`);
}

async function main() {
  if (process.argv.includes("--modules")) return modules();
  for (const { name, source, beside = [], limit } of programs) {
    const { code } = await bundle(source);
    const files = await Promise.all(beside.map((file) => readFile(new URL(`../dist/${file}`, import.meta.url))));
    const size = [code, ...files].reduce((sum, bytes) => sum + gzipped(bytes), 0) / 1000;
    const fits = size <= limit;
    console.log(`${name}: ${size.toFixed(1)} kB${fits ? "" : ", above its limit"} of at most ${limit}`);
    if (!fits) process.exitCode = 1;
  }
}

await main();
