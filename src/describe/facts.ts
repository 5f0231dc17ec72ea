// What a textbook says of each activation: the formulas as text and as LaTeX, the derivative with its value at a kink, the paper it comes from, what it is
// good for and what to mind. f stands for the activation's own value, z for the weighted sum. Figures are those of the core's functions.

import type { ActivationName } from "./activations.js";

/** Where an activation was described first, or made known as what it is used for. */
export interface ActivationSource {
  readonly authors: string;
  readonly title: string;
  readonly year: number;
  readonly url: string;
}

export interface ActivationFacts {
  /** f(z) as LaTeX. */
  readonly latex: string;
  /** f′(z), plain and as LaTeX; of softmax ∂f_j/∂z_k. */
  readonly derivative: string;
  readonly derivativeLatex: string;
  readonly source: ActivationSource;
  readonly strengths: readonly string[];
  readonly dangers: readonly string[];
}

const source = (authors: string, year: number, title: string, url: string): ActivationSource => Object.freeze({ authors, title, year, url });
const facts = (
  latex: string, derivative: string, derivativeLatex: string, from: ActivationSource, strengths: readonly string[], dangers: readonly string[],
): ActivationFacts => Object.freeze({ latex, derivative, derivativeLatex, source: from, strengths: Object.freeze(strengths), dangers: Object.freeze(dangers) });

/** A function, so that a program that does not ask for the record is bundled without these texts. */
export function activationFacts(): { readonly [N in ActivationName]: ActivationFacts } {
  const heRectifiers = source("K. He, X. Zhang, S. Ren, J. Sun", 2015, "Delving Deep into Rectifiers: Surpassing Human-Level Performance on ImageNet Classification", "https://arxiv.org/abs/1502.01852");
  return Object.freeze({
  linear: facts("f(z) = z", "1", "f'(z) = 1", source("B. Widrow, M. E. Hoff", 1960, "Adaptive Switching Circuits (IRE WESCON Convention Record 4, 96-104)", "https://isl.stanford.edu/~widrow/papers/c1960adaptiveswitching.pdf"),
    ["Passes every gradient on unchanged.", "The output of a regression: any number can be predicted."],
    ["Layers of it in a row are one linear map: they cannot fit a curve, however many they are.", "Its outputs are unbounded."]),
  sigmoid: facts("f(z) = \\frac{1}{1 + e^{-z}}", "f·(1 − f)", "f'(z) = f(z)\\,(1 - f(z))", source("D. E. Rumelhart, G. E. Hinton, R. J. Williams", 1986, "Learning representations by back-propagating errors (Nature 323, 533-536)", "https://doi.org/10.1038/323533a0"),
    ["Lies between 0 and 1, so as an output it is a probability.", "Bounded and smooth."],
    ["Its derivative is at most 1/4, and below 1 % of that beyond |z| = 5.99: through many layers the gradient vanishes.", "Its outputs are all positive, not centred on 0."]),
  tanh: facts("f(z) = \\tanh z", "1 − f²", "f'(z) = 1 - f(z)^2", source("Y. LeCun, L. Bottou, G. B. Orr, K.-R. Müller", 1998, "Efficient BackProp (Neural Networks: Tricks of the Trade)", "https://doi.org/10.1007/3-540-49430-8_2"),
    ["Bounded, smooth, and centred on 0.", "Its derivative is 1 at 0, so small signals pass unchanged."],
    ["Saturates: beyond |z| = 2.99 its derivative is below 1 % of its maximum, and the gradient vanishes."]),
  relu: facts("f(z) = \\max(0, z)", "z > 0 ? 1 : 0", "f'(z) = \\begin{cases} 1 & z > 0 \\\\ 0 & z \\le 0 \\end{cases}", source("V. Nair, G. E. Hinton", 2010, "Rectified Linear Units Improve Restricted Boltzmann Machines (ICML)", "https://icml.cc/Conferences/2010/papers/432.pdf"),
    ["Costs a comparison.", "Its derivative is 1 wherever it is active: the gradient passes deep networks.", "About half of the activations are exactly 0."],
    ["A unit whose weighted sum is negative on all data has no gradient and stays dead.", "Its outputs are unbounded.", "Not centred on 0."]),
  leakyRelu: facts("f(z) = \\begin{cases} z & z > 0 \\\\ \\text{slope}\\cdot z & z \\le 0 \\end{cases}", "z > 0 ? 1 : slope", "f'(z) = \\begin{cases} 1 & z > 0 \\\\ \\text{slope} & z \\le 0 \\end{cases}",
    source("A. L. Maas, A. Y. Hannun, A. Y. Ng", 2013, "Rectifier Nonlinearities Improve Neural Network Acoustic Models (ICML workshop)", "https://ai.stanford.edu/~amaas/papers/relu_hybrid_icml2013_final.pdf"),
    ["As relu, but no unit can die: the gradient is nowhere 0."], ["The slope is one more number to choose.", "Its outputs are unbounded on both sides."]),
  prelu: facts("f(z) = \\begin{cases} z & z > 0 \\\\ a\\,z & z \\le 0 \\end{cases},\\; a\\text{ learned}", "z > 0 ? 1 : slope", "f'(z) = \\begin{cases} 1 & z > 0 \\\\ a & z \\le 0 \\end{cases}", heRectifiers,
    ["As leakyRelu, with slopes that the data choose.", "No unit can die while its slope is not 0."], ["Has parameters of its own, which may overfit little data.", "Its outputs are unbounded on both sides."]),
  softmax: facts("f(z)_j = \\frac{e^{z_j}}{\\sum_k e^{z_k}}", "f_j·((j = k) − f_k)", "\\frac{\\partial f_j}{\\partial z_k} = f_j\\,(\\delta_{jk} - f_k)",
    source("J. S. Bridle", 1990, "Probabilistic Interpretation of Feedforward Classification Network Outputs (Neurocomputing, NATO ASI F68)", "https://doi.org/10.1007/978-3-642-76153-9_28"),
    ["Turns scores into probabilities that sum to 1.", "With crossEntropy the gradient is output less target: it does not vanish where the answer is wrong."],
    ["Belongs at the output: in a hidden layer it would let one unit silence the others.", "Its probabilities are often too sure."]),
  elu: facts("f(z) = \\begin{cases} z & z > 0 \\\\ \\alpha\\,(e^z - 1) & z \\le 0 \\end{cases}", "z > 0 ? 1 : alpha·e^z", "f'(z) = \\begin{cases} 1 & z > 0 \\\\ \\alpha\\,e^z & z \\le 0 \\end{cases}",
    source("D.-A. Clevert, T. Unterthiner, S. Hochreiter", 2015, "Fast and Accurate Deep Network Learning by Exponential Linear Units (ELUs)", "https://arxiv.org/abs/1511.07289"),
    ["Negative values bring the mean of the activations towards 0.", "No kink with alpha 1, and no dead units."], ["Costs an exponential.", "Its outputs are unbounded."]),
  selu: facts("f(z) = \\lambda \\begin{cases} z & z > 0 \\\\ \\alpha\\,(e^z - 1) & z \\le 0 \\end{cases}", "scale·(z > 0 ? 1 : alpha·e^z)", "f'(z) = \\lambda \\begin{cases} 1 & z > 0 \\\\ \\alpha\\,e^z & z \\le 0 \\end{cases}",
    source("G. Klambauer, T. Unterthiner, A. Mayr, S. Hochreiter", 2017, "Self-Normalizing Neural Networks", "https://arxiv.org/abs/1706.02515"),
    ["Mean 0 and variance 1 are a fixed point: activations keep their scale through many layers."], ["Counts on inputs that are standardised and weights that start as lecunNormal.", "Its outputs are unbounded."]),
  gelu: facts("f(z) = z\\,\\Phi(z)", "Φ(z) + z·φ(z)", "f'(z) = \\Phi(z) + z\\,\\varphi(z)", source("D. Hendrycks, K. Gimpel", 2016, "Gaussian Error Linear Units (GELUs)", "https://arxiv.org/abs/1606.08415"),
    ["Smooth everywhere, close to relu far from 0.", "Negative sums keep some gradient."], ["Costs an error function.", "Not monotonic: it falls to −0.17 at z = −0.75.", "Its outputs are unbounded."]),
  silu: facts("f(z) = z\\,\\sigma(z)", "s·(1 + z·(1 − s)), s = sigmoid(z)", "f'(z) = \\sigma(z)\\,(1 + z\\,(1 - \\sigma(z)))",
    source("S. Elfwing, E. Uchibe, K. Doya", 2017, "Sigmoid-Weighted Linear Units for Neural Network Function Approximation in Reinforcement Learning", "https://arxiv.org/abs/1702.03118"),
    ["Smooth everywhere, close to relu far from 0.", "Negative sums keep some gradient."], ["Costs an exponential.", "Not monotonic: it falls to −0.28 at z = −1.28.", "Its outputs are unbounded."]),
  mish: facts("f(z) = z\\,\\tanh(\\ln(1 + e^z))", "t + z·(1 − t²)·sigmoid(z), t = tanh(softplus z)", "f'(z) = t + z\\,(1 - t^2)\\,\\sigma(z),\\; t = \\tanh(\\ln(1 + e^z))",
    source("D. Misra", 2019, "Mish: A Self Regularized Non-Monotonic Activation Function", "https://arxiv.org/abs/1908.08681"),
    ["Smooth everywhere, close to relu far from 0.", "Negative sums keep some gradient."], ["Costs an exponential and a division.", "Not monotonic: it falls to −0.31 at z = −1.19.", "Its outputs are unbounded."]),
  softplus: facts("f(z) = \\ln(1 + e^z)", "sigmoid(z)", "f'(z) = \\frac{1}{1 + e^{-z}}",
    source("C. Dugas, Y. Bengio, F. Bélisle, C. Nadeau, R. Garcia", 2000, "Incorporating Second-Order Functional Knowledge for Better Option Pricing (NIPS)", "https://papers.nips.cc/paper/1920-incorporating-second-order-functional-knowledge-for-better-option-pricing"),
    ["A relu without a kink.", "Always positive: as an output it predicts rates and scales."], ["Its outputs are all positive, at least ln 2 at 0: sums shift upwards from layer to layer.", "Costs an exponential and a logarithm.", "Its outputs are unbounded."]),
  softsign: facts("f(z) = \\frac{z}{1 + |z|}", "1 / (1 + |z|)²", "f'(z) = \\frac{1}{(1 + |z|)^2}",
    source("J. Turian, J. Bergstra, Y. Bengio", 2009, "Quadratic Features and Deep Architectures for Chunking (NAACL)", "https://aclanthology.org/N09-2062/"),
    ["Bounded and centred on 0 as tanh, and costs no exponential.", "Comes to its bounds slowly: the derivative falls as 1/z², not as e^−2z."], ["Saturates: beyond |z| = 9 its derivative is below 1 % of its maximum."]),
  relu6: facts("f(z) = \\min(\\max(0, z), 6)", "0 < z < 6 ? 1 : 0", "f'(z) = \\begin{cases} 1 & 0 < z < 6 \\\\ 0 & \\text{else} \\end{cases}",
    source("A. Krizhevsky", 2010, "Convolutional Deep Belief Networks on CIFAR-10", "https://www.cs.toronto.edu/~kriz/conv-cifar10-aug2010.pdf"),
    ["As relu, bounded, which suits arithmetic of few bits."], ["A unit whose weighted sum is negative on all data stays dead, and one beyond 6 gets no gradient either."]),
  hardSigmoid: facts("f(z) = \\min(\\max(\\tfrac{z}{6} + \\tfrac{1}{2}, 0), 1)", "−3 < z < 3 ? 1/6 : 0", "f'(z) = \\begin{cases} \\tfrac{1}{6} & -3 < z < 3 \\\\ 0 & \\text{else} \\end{cases}",
    source("A. Howard, M. Sandler, G. Chu and others", 2019, "Searching for MobileNetV3", "https://arxiv.org/abs/1905.02244"),
    ["A sigmoid for the cost of a multiplication.", "Reaches 0 and 1 exactly."], ["Beyond |z| = 3 there is no gradient at all; at 0 it is 1/6."]),
  hardTanh: facts("f(z) = \\min(\\max(z, -1), 1)", "−1 < z < 1 ? 1 : 0", "f'(z) = \\begin{cases} 1 & -1 < z < 1 \\\\ 0 & \\text{else} \\end{cases}",
    source("R. Collobert", 2004, "Large Scale Machine Learning (thesis, Université Paris VI)", "https://ronan.collobert.com/pub/2004_phdthesis_lip6.pdf"),
    ["A tanh for the cost of two comparisons, centred on 0.", "Its derivative is 1 between the bounds."], ["Beyond |z| = 1 there is no gradient at all."]),
  exponential: facts("f(z) = e^z", "f", "f'(z) = e^z", source("J. A. Nelder, R. W. M. Wedderburn", 1972, "Generalized Linear Models (Journal of the Royal Statistical Society A 135, 370-384)", "https://doi.org/10.2307/2344614"),
    ["Always positive: as an output with the poisson loss it predicts counts, the inverse of a logarithmic link."],
    ["Grows without bound, and its derivative with it: sums of 89 leave f32. Start small and clip the gradient."]),
});
}
