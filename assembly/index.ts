// What the host may call: the player and its instructions' kernels, plain-array activations, random numbers, and the
// scalar functions of f64 that schedules and initialisers use in place of the host's. Nothing else is exported.

export { execute, follows, play, playTogether, serve } from "./tape";
export { endTeam } from "./barrier";
export { gemm } from "./gemm";
export { denseForward } from "./forward";
export { denseSingle, inputGradient, weightGradient } from "./dense";
export { columnForward, smallForward, smallInputGradient, smallSingle, smallWeightGradient } from "./small";
export { activationBackward, activationForward, softmaxBackward, softmaxForward } from "./activations";
export { dropoutBackward, dropoutForward } from "./dropout";
export { batchNormBackward, batchNormForward, followStatistics, layerNormBackward, layerNormForward, layerNormSums } from "./norms";
export { hitRows, lossRows } from "./losses";
export { clampRun, penaltyRun, scaleRun, sumSquares, updateParameters } from "./optimizers";
export { addHistogram, columnFigures } from "./statistics";
export { finiteRows, gatherClasses, gatherRows, smoothRows } from "./gather";
export { fillRandom, philox, shuffle, shufflePart } from "./random";
export { cos64, exp64, log64, normalQuantile64, pow64 } from "./double";
