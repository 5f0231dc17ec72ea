// assembly/vmath.ts and assembly/double.ts against f64 references: a strided sweep of all floats, the neighbourhoods where formulas change, specials,
// independence of lanes, and the references themselves. The complete sweep is `node scripts/ulp/sweep.mjs`.
import { describe, expect, it } from "vitest";
import {
  BLOCK, bitsAt, compile, erf, erfc, errorInUlp, instantiate, measure, PLACES, placeOf, promises, references, specials, wrongSpecials,
} from "../scripts/ulp/ulp.mjs";
import type { Measured } from "../scripts/ulp/ulp.mjs";

const core = instantiate();
const names = Object.keys(promises);
const STRIDE = 2503; // a prime: 1.7 million floats

function expectKept(found: Measured): void {
  const { name, worst, at, worstAbsolute, beyond, firstBeyond, descents, firstDescent, asymmetries, firstAsymmetry } = found;
  expect(beyond, `${name} at ${firstBeyond}; greatest error ${worst} ulp at ${at}, absolute ${worstAbsolute}`).toBe(0);
  expect(descents, `${name} descends at ${firstDescent}`).toBe(0);
  expect(asymmetries, `${name} is not odd at ${firstAsymmetry}`).toBe(0);
}

/** f of every x, through a block. */
function values(name: string, xs: number[]): number[] {
  core.inputs.fill(0.5);
  core.inputs.set(xs);
  core.run(name);
  return Array.from(core.results.subarray(0, xs.length));
}

/** Where a formula, an exponent or a rounding changes. */
const edges = [
  0, 1.1754943508222875e-38, 2.9802322387695312e-8, 5.960464477539063e-8, 0.17328679513998632, 0.34657359027997264, 0.4142135623730951, 0.5,
  0.7071067811865476, 0.7517916,
  0.925, 1, 1.0397207708399179, 1.1924, 1.2784645, 1.4142135623730951, 2, 4, 8.32, 8.66, 9.010913, 9.1, 12, 13, 14.3, 14.7, 16, 17.32867951399863,
  20, 51.5, 52, 60, 87.33654, 88, 88.02969, 88.72283,
  89, 103.27893, 103.97208, 104, 108, 120, 130, 8388608, 16777216, 1.8446744073709552e19, 1.7014118346046923e38, 3.4028234663852886e38,
];

describe("functions of four lanes", () => {
  it("names the same functions in the promises, references and specials", () => {
    expect(names.length).toBe(21);
    expect(Object.keys(references).sort()).toEqual([...names].sort());
    expect(Object.keys(specials).sort()).toEqual([...names].sort());
  });

  it.each(names)("%s keeps its error bound, order and symmetry over a sweep of all floats", (name) => {
    const found = measure(core, name, STRIDE);
    expect(found.tried).toBe(Math.ceil(PLACES / STRIDE));
    expectKept(found);
  });

  it.each(names)("%s keeps them on every float near the edges of its formulas", (name) => {
    let tried = 0;
    for (const edge of edges) {
      for (const sign of [1, -1]) {
        const place = placeOf(sign * edge);
        const found = measure(core, name, 1, Math.max(0, place - 1500), Math.min(PLACES, place + 1500));
        expectKept(found);
        tried += found.tried;
      }
    }
    expect(tried).toBeGreaterThan(edges.length * 2 * 1500);
  });

  it.each(names)("%s gives the stated specials, and NaN for every kind of NaN", (name) => {
    expect(wrongSpecials(core, name, 257)).toEqual([]);
  });

  it.each(names)("%s gives a lane the same bits whatever its neighbours hold", (name) => {
    const odd = [0, -0, 1e-45, -1e-40, 0.3, -0.9, 1, -1, 5, -20, 88.8, -104, 1e30, -3e38, Infinity, -Infinity, NaN];
    const alone = odd.map((x) => {
      core.inputs.fill(x, 0, 4);
      core.run(name);
      return core.resultBits[0];
    });
    let compared = 0;
    for (let shift = 0; shift < 17 * 17; shift++) {
      const chosen = [shift, shift * 5 + 1, Math.floor(shift / 17), shift * 3 + 2].map((k) => k % 17);
      chosen.forEach((k, lane) => (core.inputs[lane] = odd[k]));
      core.run(name);
      chosen.forEach((k, lane) => {
        if (odd[k] === odd[k] && alone[k] >>> 0 < 0xff800001) {
          if (core.resultBits[lane] !== alone[k]) throw new Error(`${name}(${odd[k]}) changes in lane ${lane} beside ${chosen.map((n) => odd[n])}`);
          compared++;
        }
      });
    }
    expect(compared).toBeGreaterThan(600);
  });

  it("computes subnormal results instead of flushing them", () => {
    for (const [name, x] of [
      ["exp", -87.5], ["exp", -100], ["exp", -103.9], ["sigmoid", -88], ["sigmoid", -100], ["sigmoid", -103.5], ["softplus", -100], ["silu", -100],
      ["silu", -107],
      ["gelu", -13.5], ["gelu", -14], ["mish", -105], ["sigmoidDerivative", 100], ["tanhDerivative", -50], ["log1p", 1e-40], ["expm1", -1e-42],
      ["tanh", 3e-45],
    ] as [string, number][]) {
      const [got] = values(name, [x]);
      const exact = references[name](Math.fround(x));
      expect(Math.abs(got), `${name}(${x})`).toBeGreaterThan(0);
      expect(Math.abs(got), `${name}(${x})`).toBeLessThan(1.1754943508222875e-38);
      expect(errorInUlp(got, exact), `${name}(${x}) is ${got}, exact ${exact}`).toBeLessThan(4);
    }
  });

  it("keeps the derivatives accurate in ulp where 1 − tanh² and s(1 − s) would cancel to 0", () => {
    for (const [name, x] of [
      ["sigmoidDerivative", 20], ["sigmoidDerivative", -20], ["tanhDerivative", 10], ["tanhDerivative", -20], ["softplusDerivative", -50],
      ["geluDerivative", -8],
    ] as [string, number][]) {
      const exact = references[name](x);
      expect(errorInUlp(values(name, [x])[0], exact), `${name}(${x})`).toBeLessThan(4);
    }
  });

  it("overflows exp and expm1 just after the greatest float", () => {
    const last = 88.72283172607422, next = 88.7228393554687500;
    for (const name of ["exp", "expm1"]) {
      const [before, after] = values(name, [last, next]);
      expect(before).toBeLessThan(Infinity);
      expect(errorInUlp(before, Math.exp(last))).toBeLessThan(1.5);
      expect(after).toBe(Infinity);
    }
  });

  it.each([
    ["sigmoid", -(2 ** -13), -(2 ** -14)], // where a quotient good to 2⁻¹¹ ulp still descends at 512 floats
    ["tanh", 4, 4.6], // where a remainder with a rounded product descends
    ["exp", 0.34, 0.36], // where n goes from 0 to 1
  ])("%s never descends on all floats from %f to %f", (name, from, to) => {
    const found = measure(core, name, 1, placeOf(from), placeOf(to));
    expect(found.tried).toBeGreaterThan(500_000);
    expectKept(found);
  });

  it("adds sigmoid(x) and sigmoid(−x) to 1 within an ulp", () => {
    let greatest = 0;
    for (let first = placeOf(0); first < placeOf(20); first += 1009 * BLOCK) {
      for (let i = 0; i < BLOCK; i++) core.bits[i] = bitsAt(Math.min(first + 1009 * i, placeOf(20)));
      core.run("sigmoid");
      const right = core.results.slice();
      for (let i = 0; i < BLOCK; i++) core.inputs[i] = -core.inputs[i];
      core.run("sigmoid");
      for (let i = 0; i < BLOCK; i++) greatest = Math.max(greatest, Math.abs(core.results[i] + right[i] - 1));
    }
    expect(greatest).toBeLessThanOrEqual(2 ** -24);
  });
});

describe("the references", () => {
  it("gives erf and erfc as Python's mpmath does", () => {
    for (const [x, exact] of [
      [1e-10, 1.1283791670955126e-10], [0.1, 0.1124629160182849], [0.5, 0.5204998778130465], [0.9, 0.7969082124228322], [1, 0.8427007929497149],
      [1.5, 0.9661051464753108],
      [2, 0.9953222650189527], [2.1875, 0.9980225088163892], [2.25, 0.9985372834133188], [3, 0.9999779095030014], [4, 0.9999999845827421],
      [5.5, 0.9999999999999927],
    ]) {
      expect(Math.abs(erf(x) / exact - 1)).toBeLessThan(1e-14);
      expect(erf(-x)).toBe(-erf(x));
    }
    for (const [x, exact] of [
      [-3, 1.9999779095030015], [-0.25, 1.276326390168237], [0.3, 0.6713732405408726], [0.75, 0.28884436634648486], [1, 0.15729920705028513],
      [1.5, 0.033894853524689274],
      [2.125, 0.0026540293594823415], [2.25, 0.0014627165866811518], [3, 2.209049699858544e-5], [5, 1.537459794428035e-12],
      [10, 2.088487583762545e-45], [20, 5.395865611607901e-176],
    ]) {
      expect(Math.abs(erfc(x) / exact - 1)).toBeLessThan(1e-13);
    }
  });

  it.each([
    ["geluDerivative", "gelu"], ["geluTanhDerivative", "geluTanh"], ["siluDerivative", "silu"], ["mishDerivative", "mish"],
    ["sigmoidDerivative", "sigmoid"],
    ["tanhDerivative", "tanh"], ["softplusDerivative", "softplus"], ["softsignDerivative", "softsign"],
  ])("%s is the central difference of %s", (derivative, name) => {
    const h = 1e-5;
    for (let z = -6.03; z < 6; z += 0.11) {
      const difference = (references[name](z + h) - references[name](z - h)) / (2 * h);
      expect(Math.abs(references[derivative](z) - difference), `z = ${z}`).toBeLessThan(1e-9);
    }
  });
});

describe("scalar f64 functions", () => {
  const { exp64, log64, cos64, pow64, normalQuantile64 } = core.exports;
  const relative = (got: number, exact: number) => Math.abs(got / exact - 1);

  it("exp64 and log64 are within 2 ulp of exact values", () => {
    for (const [x, exact] of [
      [-700.25, 7.678723813110872e-305], [-40.5, 2.576757109154981e-18], [-1, 0.36787944117144233], [-1e-9, 0.999999999],
      [0.3, 1.3498588075760032], [1, 2.718281828459045],
      [10.125, 24959.255641914595], [709.75, 1.7398368732641605e308],
    ]) {
      expect(relative(exp64(x), exact), `exp ${x}`).toBeLessThan(4.5e-16);
    }
    for (const [x, exact] of [
      [5e-324, -744.4400719213812], [1e-310, -713.8013788281542], [1e-20, -46.051701859880914], [0.5, -0.6931471805599453],
      [0.7109375, -0.34117075740276714],
      [0.999, -0.0010005003335835344], [1.0000001, 9.999999505838704e-8], [1.41, 0.34358970439007686], [2, 0.6931471805599453],
      [10, 2.302585092994046], [1e300, 690.7755278982137],
    ]) {
      expect(relative(log64(x), exact), `log ${x}`).toBeLessThan(4.5e-16);
    }
  });

  it("exp64, log64 and cos64 agree with the host's within 3 ulp on a grid", () => {
    let tried = 0;
    for (let i = 0; i < 20000; i++) {
      const x = -708 + (i * 1416.7) / 20000;
      expect(relative(exp64(x), Math.exp(x)), `exp ${x}`).toBeLessThan(6.7e-16);
      const y = 2 ** (-1000 + i / 10) * (1 + (i % 97) / 97);
      if (Math.abs(Math.log(y)) > 0) expect(relative(log64(y), Math.log(y)), `log ${y}`).toBeLessThan(6.7e-16);
      const angle = -1e6 + i * 100.00613;
      expect(Math.abs(cos64(angle) - Math.cos(angle)), `cos ${angle}`).toBeLessThan(3e-16);
      tried++;
    }
    expect(tried).toBe(20000);
  });

  it("cos64 is within 1.2e-16 of exact values, also far from 0 and at its zeros", () => {
    for (const [x, exact] of [
      [0, 1], [0.1, 0.9950041652780258], [0.7853981633974483, 0.7071067811865476], [1.5707963267948966, 6.123233995736766e-17],
      [3, -0.9899924966004454], [3.141592653589793, -1],
      [4.5, -0.2107957994307797], [100.5, 0.9995206253283515], [99999.125, -0.6131483801432882], [-1e6, 0.9367521275331447],
      [710000.0078125, 0.997682008888844],
    ]) {
      expect(Math.abs(cos64(x) - exact), `cos ${x}`).toBeLessThan(1.2e-16);
    }
    expect(relative(cos64(1.5707963267948966), 6.123233995736766e-17)).toBeLessThan(1e-4);
  });

  it("pow64 is within 2.5e-16 + 6e-17·|y·ln x| of exact values", () => {
    for (const [x, y, exact] of [
      [0.9, 10, 0.3486784401000001], [0.999, 1000, 0.36769542477096373], [0.999, 100000, 3.5385276883431275e-44], [2, 0.5, 1.4142135623730951],
      [10, -300, 1e-300],
      [1.5, 1700, 2.2653765189682277e299], [0.1, 0.25, 0.5623413251903491], [3, -2.5, 0.06415002990995841],
    ]) {
      expect(relative(pow64(x, y), exact), `${x}^${y}`).toBeLessThan(2.5e-16 + 6e-17 * Math.abs(y * Math.log(x)));
    }
    expect([pow64(0.5, 0), pow64(0, 0), pow64(0, 2), pow64(1, 1e300)]).toEqual([1, 1, 0, 1]);
  });

  it("normalQuantile64 is within 1e-14 of exact values, odd about a half, and ends at ±∞", () => {
    for (const [p, exact] of [
      [1e-300, -37.0470962993612], [1e-100, -21.273453560965326], [1e-20, -9.262340089798407], [1e-10, -6.361340902404057],
      [1e-5, -4.264890793922825], [0.001, -3.0902323061678136],
      [0.02425, -1.972961051311885], [0.07, -1.4757910281791706], [0.08, -1.4050715603096327], [0.25, -0.6744897501960817],
      [0.4, -0.2533471031357997], [0.499, -0.002506630899571766],
      [0.6, 0.2533471031357997], [0.9, 1.2815515655446006], [0.975, 1.9599639845400538], [0.9999, 3.7190164854557084],
    ]) {
      expect(relative(normalQuantile64(p), exact), `p = ${p}`).toBeLessThan(1e-14);
    }
    for (const p of [2 ** -30, 0.0625, 0.25, 0.4375]) expect(normalQuantile64(1 - p)).toBe(-normalQuantile64(p));
    expect([normalQuantile64(0), normalQuantile64(0.5), normalQuantile64(1)]).toEqual([-Infinity, 0, Infinity]);
    expect([normalQuantile64(-0.1), normalQuantile64(1.1), normalQuantile64(NaN)]).toEqual([NaN, NaN, NaN]);
  });

  it("gives the stated edges", () => {
    expect([-Infinity, -746, -745, 0, 710, Infinity, NaN].map((x) => exp64(x))).toEqual([0, 0, 5e-324, 1, Infinity, Infinity, NaN]);
    expect([log64(0), log64(1), log64(Infinity), log64(-1), log64(NaN)]).toEqual([-Infinity, 0, Infinity, NaN, NaN]);
  });
});

describe("the compiled module", () => {
  it("imports nothing and has no data segment and no global", () => {
    const bytes = compile();
    expect(WebAssembly.Module.imports(new WebAssembly.Module(bytes))).toEqual([]);
    const sections: number[] = [];
    for (let at = 8; at < bytes.length; ) {
      sections.push(bytes[at++]);
      let size = 0;
      for (let shift = 0, byte = 128; byte & 128; shift += 7) size |= ((byte = bytes[at++]) & 127) << shift;
      at += size;
    }
    expect(sections).toContain(10);
    expect(sections).not.toContain(11);
    expect(sections).not.toContain(6);
  });
});
