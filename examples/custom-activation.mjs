// An activation of your own beside the library's: the same function, softplus, as JavaScript and as the built-in kernel, and what each costs.
//
//   node examples/custom-activation.mjs

import { Network, customActivation, dense } from "rosenblatt";

const mine = customActivation({
  name: "my softplus",
  forward(z, a) {
    for (let i = 0; i < z.length; i++) a[i] = Math.max(z[i], 0) + Math.log1p(Math.exp(-Math.abs(z[i])));
  },
  derivative(z, a, d) {
    for (let i = 0; i < z.length; i++) d[i] = 1 / (1 + Math.exp(-z[i]));
  },
});

// a noisy sine, as 2,000 samples of 8 powers
const samples = 2000;
const inputs = new Float32Array(samples * 8);
const targets = new Float32Array(samples);
for (let i = 0; i < samples; i++) {
  const x = (2 * i) / samples - 1;
  for (let power = 1; power <= 8; power++) inputs[8 * i + power - 1] = x ** power;
  targets[i] = Math.sin(4 * x);
}

const options = { epochs: 30, batchSize: 32, optimizer: "adam", threads: 1 };
const times = {};
let saved;
for (const [name, activation] of [["my softplus", mine], ["softplus", "softplus"]]) {
  const network = await Network.create({ inputs: 8, layers: [dense(64, activation), dense(64, activation), dense(1)], seed: 1 });
  const started = performance.now();
  const { epochs } = await network.fit(inputs, targets, options);
  times[name] = performance.now() - started;
  if (activation === mine) saved = network.save();
  console.log(`${name.padEnd(12)} loss ${epochs.at(-1).loss.toFixed(5)}   ${Math.round(times[name])} ms   ${network.threads.reason ?? ""}`);
}
console.log(`JavaScript between the kernels took ${(times["my softplus"] / times.softplus).toFixed(1)} times as long`);

// the file knows the name; the functions are given again
const loaded = await Network.load(saved, { activations: [mine] });
console.log(`loaded: sin(4 · 0.5) ≈ ${loaded.predict(Float32Array.from({ length: 8 }, (_, i) => 0.5 ** (i + 1)))[0].toFixed(3)}`);
