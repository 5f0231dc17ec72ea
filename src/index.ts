// The public list, nothing else.

export { ready } from "./engine/core.js"; // first: gzip makes less of the binary where nothing is in front of it
export { Network } from "./network.js";
export type { Evaluation, Layer } from "./network.js";
export type { LayerGradients, LayerTrace } from "./inspect/inference.js";
export type { Neuron, NeuronExplanation } from "./inspect/neuron.js";
export type { BatchOptions } from "./train/batch.js";
export type { Chunk, ChunkSource, Chunks } from "./train/source.js";

export { batchNorm, dense, dropout, layerNorm } from "./describe/layers.js";
export type { BatchNormOptions, BatchNormSpec, DenseOptions, DenseSpec, DropoutSpec, LayerKind, LayerNormOptions, LayerNormSpec, LayerSpec, NetworkOptions } from "./describe/layers.js";
export {
  activations, customActivation, elu, exponential, gelu, hardSigmoid, hardTanh, leakyRelu, linear, mish, prelu, relu, relu6, selu, sigmoid, silu, softmax, softplus, softsign, tanh,
} from "./describe/activations.js";
export type { ActivationName, ActivationRecord, ActivationRisk, ActivationSpec } from "./describe/activations.js";
export type { CustomActivation } from "./describe/customActivation.js";
export type { ActivationFacts, ActivationSource } from "./describe/facts.js";
export { activate, activationDerivative } from "./activate.js";
export { compareActivations } from "./compare/compare.js";
export type { ComparedActivation, CompareOptions, Comparison } from "./compare/compare.js";
export { plotActivation } from "./inspect/plot.js";
export {
  constant, glorotNormal, glorotUniform, heNormal, heUniform, lecunNormal, lecunUniform, normal, ones, orthogonal, uniform, zeros,
} from "./describe/initializers.js";
export type { Initializer, InitializerName } from "./describe/initializers.js";
export {
  binaryCrossEntropy, crossEntropy, hinge, huber, klDivergence, logCosh, meanAbsoluteError, meanSquaredError, poisson,
} from "./describe/losses.js";
export type { Loss, LossName } from "./describe/losses.js";
export { adagrad, adam, adamw, lion, nadam, rmsprop, sgd } from "./describe/optimizers.js";
export type { Optimizer, OptimizerName } from "./describe/optimizers.js";
export { cosineDecay, exponentialDecay, oneCycle, reduceOnPlateau, stepDecay } from "./describe/schedules.js";
export type { Schedule, ScheduleName } from "./describe/schedules.js";
export type { Metric } from "./describe/metrics.js";
export type { BatchReport, EpochReport, FitOptions, History } from "./describe/fit.js";
export type { Diagnosis, Finding, Histogram, LayerDiagnosis, UnitDiagnosis } from "./describe/diagnosis.js";
export { confusionMatrix, rocCurve } from "./train/metrics.js";
export type { NumericArray, Samples, Targets } from "./samples.js";
export { crossValidate } from "./crossvalidate.js";
export type { CrossValidation, CrossValidationOptions, Spread } from "./crossvalidate.js";
export { configure } from "./configure.js";
export type { Configuration } from "./configure.js";
export { DivergenceError, ModelFormatError } from "./check.js";
