// What scripts/ulp has for a test: the compiled functions, their promises, references and specials.
export { BLOCK, compile, instantiate } from "./compile.mjs";
export { bitsAt, errorInUlp, measure, placeOf, PLACES, promises, ulpOf } from "./measure.mjs";
export { erf, erfc, references } from "./reference.mjs";
export { specials, wrongSpecials } from "./specials.mjs";
