// The functions of assembly/vmath.ts over a block of memory, for the sweep and the tests: f(input, output, count) reads count floats at `input` and
// writes count floats to `output` (byte offsets; count a multiple of 8), two vectors a turn. assembly/double.ts is exported as it is.
import * as vmath from "../../assembly/vmath";
export { exp64, log64, cos64, pow64, normalQuantile64 } from "../../assembly/double";

export function exp(input: usize, output: usize, count: i32): void {
  for (let i: usize = 0, end = <usize>count << 2; i < end; i += 32) {
    const a = v128.load(input + i), b = v128.load(input + i, 16);
    v128.store(output + i, vmath.exp4(a));
    v128.store(output + i, vmath.exp4(b), 16);
  }
}
export function log(input: usize, output: usize, count: i32): void {
  for (let i: usize = 0, end = <usize>count << 2; i < end; i += 32) {
    const a = v128.load(input + i), b = v128.load(input + i, 16);
    v128.store(output + i, vmath.log4(a));
    v128.store(output + i, vmath.log4(b), 16);
  }
}
export function log1p(input: usize, output: usize, count: i32): void {
  for (let i: usize = 0, end = <usize>count << 2; i < end; i += 32) {
    const a = v128.load(input + i), b = v128.load(input + i, 16);
    v128.store(output + i, vmath.log1p4(a));
    v128.store(output + i, vmath.log1p4(b), 16);
  }
}
export function expm1(input: usize, output: usize, count: i32): void {
  for (let i: usize = 0, end = <usize>count << 2; i < end; i += 32) {
    const a = v128.load(input + i), b = v128.load(input + i, 16);
    v128.store(output + i, vmath.expm14(a));
    v128.store(output + i, vmath.expm14(b), 16);
  }
}
export function tanh(input: usize, output: usize, count: i32): void {
  for (let i: usize = 0, end = <usize>count << 2; i < end; i += 32) {
    const a = v128.load(input + i), b = v128.load(input + i, 16);
    v128.store(output + i, vmath.tanh4(a));
    v128.store(output + i, vmath.tanh4(b), 16);
  }
}
export function sigmoid(input: usize, output: usize, count: i32): void {
  for (let i: usize = 0, end = <usize>count << 2; i < end; i += 32) {
    const a = v128.load(input + i), b = v128.load(input + i, 16);
    v128.store(output + i, vmath.sigmoid4(a));
    v128.store(output + i, vmath.sigmoid4(b), 16);
  }
}
export function erf(input: usize, output: usize, count: i32): void {
  for (let i: usize = 0, end = <usize>count << 2; i < end; i += 32) {
    const a = v128.load(input + i), b = v128.load(input + i, 16);
    v128.store(output + i, vmath.erf4(a));
    v128.store(output + i, vmath.erf4(b), 16);
  }
}
export function softplus(input: usize, output: usize, count: i32): void {
  for (let i: usize = 0, end = <usize>count << 2; i < end; i += 32) {
    const a = v128.load(input + i), b = v128.load(input + i, 16);
    v128.store(output + i, vmath.softplus4(a));
    v128.store(output + i, vmath.softplus4(b), 16);
  }
}
export function gelu(input: usize, output: usize, count: i32): void {
  for (let i: usize = 0, end = <usize>count << 2; i < end; i += 32) {
    const a = v128.load(input + i), b = v128.load(input + i, 16);
    v128.store(output + i, vmath.gelu4(a));
    v128.store(output + i, vmath.gelu4(b), 16);
  }
}
export function geluTanh(input: usize, output: usize, count: i32): void {
  for (let i: usize = 0, end = <usize>count << 2; i < end; i += 32) {
    const a = v128.load(input + i), b = v128.load(input + i, 16);
    v128.store(output + i, vmath.geluTanh4(a));
    v128.store(output + i, vmath.geluTanh4(b), 16);
  }
}
export function silu(input: usize, output: usize, count: i32): void {
  for (let i: usize = 0, end = <usize>count << 2; i < end; i += 32) {
    const a = v128.load(input + i), b = v128.load(input + i, 16);
    v128.store(output + i, vmath.silu4(a));
    v128.store(output + i, vmath.silu4(b), 16);
  }
}
export function mish(input: usize, output: usize, count: i32): void {
  for (let i: usize = 0, end = <usize>count << 2; i < end; i += 32) {
    const a = v128.load(input + i), b = v128.load(input + i, 16);
    v128.store(output + i, vmath.mish4(a));
    v128.store(output + i, vmath.mish4(b), 16);
  }
}
export function softsign(input: usize, output: usize, count: i32): void {
  for (let i: usize = 0, end = <usize>count << 2; i < end; i += 32) {
    const a = v128.load(input + i), b = v128.load(input + i, 16);
    v128.store(output + i, vmath.softsign4(a));
    v128.store(output + i, vmath.softsign4(b), 16);
  }
}
export function geluDerivative(input: usize, output: usize, count: i32): void {
  for (let i: usize = 0, end = <usize>count << 2; i < end; i += 32) {
    const a = v128.load(input + i), b = v128.load(input + i, 16);
    v128.store(output + i, vmath.geluDerivative4(a));
    v128.store(output + i, vmath.geluDerivative4(b), 16);
  }
}
export function geluTanhDerivative(input: usize, output: usize, count: i32): void {
  for (let i: usize = 0, end = <usize>count << 2; i < end; i += 32) {
    const a = v128.load(input + i), b = v128.load(input + i, 16);
    v128.store(output + i, vmath.geluTanhDerivative4(a));
    v128.store(output + i, vmath.geluTanhDerivative4(b), 16);
  }
}
export function siluDerivative(input: usize, output: usize, count: i32): void {
  for (let i: usize = 0, end = <usize>count << 2; i < end; i += 32) {
    const a = v128.load(input + i), b = v128.load(input + i, 16);
    v128.store(output + i, vmath.siluDerivative4(a));
    v128.store(output + i, vmath.siluDerivative4(b), 16);
  }
}
export function mishDerivative(input: usize, output: usize, count: i32): void {
  for (let i: usize = 0, end = <usize>count << 2; i < end; i += 32) {
    const a = v128.load(input + i), b = v128.load(input + i, 16);
    v128.store(output + i, vmath.mishDerivative4(a));
    v128.store(output + i, vmath.mishDerivative4(b), 16);
  }
}
export function sigmoidDerivative(input: usize, output: usize, count: i32): void {
  for (let i: usize = 0, end = <usize>count << 2; i < end; i += 32) {
    const a = v128.load(input + i), b = v128.load(input + i, 16);
    v128.store(output + i, vmath.sigmoidDerivative4(a));
    v128.store(output + i, vmath.sigmoidDerivative4(b), 16);
  }
}
export function tanhDerivative(input: usize, output: usize, count: i32): void {
  for (let i: usize = 0, end = <usize>count << 2; i < end; i += 32) {
    const a = v128.load(input + i), b = v128.load(input + i, 16);
    v128.store(output + i, vmath.tanhDerivative4(a));
    v128.store(output + i, vmath.tanhDerivative4(b), 16);
  }
}
export function softplusDerivative(input: usize, output: usize, count: i32): void {
  for (let i: usize = 0, end = <usize>count << 2; i < end; i += 32) {
    const a = v128.load(input + i), b = v128.load(input + i, 16);
    v128.store(output + i, vmath.softplusDerivative4(a));
    v128.store(output + i, vmath.softplusDerivative4(b), 16);
  }
}
export function softsignDerivative(input: usize, output: usize, count: i32): void {
  for (let i: usize = 0, end = <usize>count << 2; i < end; i += 32) {
    const a = v128.load(input + i), b = v128.load(input + i, 16);
    v128.store(output + i, vmath.softsignDerivative4(a));
    v128.store(output + i, vmath.softsignDerivative4(b), 16);
  }
}
