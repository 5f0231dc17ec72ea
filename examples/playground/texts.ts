// All that the page says, in English and Chinese: one dictionary each with the same keys. Elements carry their key as data-text; what is put
// together from figures is made by say().

import type { Language } from "./state.js";

const en = {
  title: "Neural network playground", tagline: "Train a small network in your browser and see what every neuron does.",
  language: "Language", theme: "Theme", "theme.auto": "As the system", "theme.light": "Light", "theme.dark": "Dark",
  start: "Start", pause: "Pause", step: "One step", reset: "Reset", speed: "Speed", "speed.max": "Full speed", "speed.60": "60 steps/s", "speed.10": "10 steps/s", "speed.1": "1 step/s",
  trainingLoss: "Training loss", testLoss: "Test loss", trainingAccuracy: "Training accuracy", testAccuracy: "Test accuracy", trainingR2: "Training R²", testR2: "Test R²",
  epochs: "Epochs", steps: "Steps", samplesPerSecond: "Samples/s", stepsPerSecond: "Steps/s", rateNow: "Learning rate now", trainingTime: "Training time",
  data: "Data", dataSet: "Data set", "data.xor": "XOR", "data.circles": "Circles", "data.moons": "Moons", "data.spiral": "Spiral", "data.blobs": "Gaussian blobs",
  "data.wave": "Regression: wave", "data.hills": "Regression: hills", "data.digits": "Digits 8×8", "data.table": "Your own CSV",
  classes: "Classes", samples: "Samples", noise: "Noise", split: "Training share (%)", dataSeed: "Data seed", scale: "Standardise inputs",
  csv: "CSV file", csvNote: "The file stays on this page; nothing is uploaded.", target: "Target column", csvEmpty: "Choose a CSV file with a header line.", csvCut: "{0} of the {1} rows are used, drawn at random by the data seed.",
  network: "Network", addLayer: "Add layer", removeLayer: "Remove layer {0}", layer: "Layer {0}", units: "Units of layer {0}", fewer: "One unit fewer in layer {0}", more: "One unit more in layer {0}",
  activation: "Activation of layer {0}", outputActivation: "Activation of the output layer", lossName: "Loss", range: "{0}: expected a number from {1} to {2}, got {3}", output: "Output", init: "Initialiser", "init.auto": "By activation", norm: "Normalisation", "norm.none": "None", dropout: "Dropout", seed: "Weights seed",
  training: "Training", optimizer: "Optimizer", rate: "Learning rate", schedule: "Schedule", scheduleSteps: "Schedule steps", batch: "Batch size", l1: "L1 penalty", l2: "L2 penalty",
  surface: "Output", surfaceOf: "Output over the plane", curveOf: "Fitted curve", confusionOf: "Test samples: a row for each true class, a column for each predicted one", scatterOf: "Predicted against true values",
  showTest: "Test samples", graph: "Neurons", graphHint: "Choose a neuron to look into it. Blue lines are positive weights, orange ones negative.", neuron: "Layer {0}, neuron {1}", outputNeuron: "Output {0}", moreNeurons: "{0} more",
  curves: "Curves", lossCurve: "Loss", accuracyCurve: "Accuracy", r2Curve: "R²", train: "training", test: "test",
  compareWith: "Second network's activation", "compare.none": "No second network", shown: "Graph shows", networkA: "Network A", networkB: "Network B",
  neuronPage: "Inside the neuron", close: "Close", sample: "Training sample", input: "Input", product: "w · x", bias: "Bias", weightedSum: "Weighted sum", activationOutput: "Output", others: "{0} others",
  dead: "Dead: 0 with no gradient on every sample", saturated: "Saturated: {0} of the samples lie where the curve is flat", alive: "Alive: gradients pass", slope: "Learned slope", derivative: "derivative", histogram: "weighted sums of the data", functionCurve: "activation",
  softmaxNote: "Softmax weighs all outputs against each other, so it has no curve of its own.",
  findings: "Diagnosis", noFindings: "Nothing wrong is found in the network as it is.", apply: "Apply advice", layerShort: "Layer {0}",
  "finding.deadUnits": "Dead units", "finding.vanishingGradient": "Vanishing gradient", "finding.explodingGradient": "Exploding gradient", "finding.saturation": "Saturation", "finding.unusedCapacity": "Unused capacity", "finding.unscaledInputs": "Unscaled inputs",
  "meaning.deadUnits": "Units give 0 on every sample and learn no more.", "meaning.vanishingGradient": "Hardly any gradient reaches this layer.", "meaning.explodingGradient": "The gradient grows from layer to layer.", "meaning.saturation": "Many activations lie where the curve is flat.", "meaning.unusedCapacity": "Units are copies of others or constant.", "meaning.unscaledInputs": "The inputs differ much in size.",
  "change.scale": "Advice: standardise the inputs.", "change.init": "Advice: initialise by the activation.", "change.seed": "Advice: draw the weights anew, by seed {0}.", "change.rate": "Advice: learning rate {0}.",
  "change.output": "Advice: {0} as the output's activation.", "change.fewerLayers": "Advice: one hidden layer less.", "change.activation": "Advice: {0} in layer {1}.", "change.units": "Advice: {0} units in layer {1}.",
  slopes: "PReLU slopes", model: "Model and code", save: "Save model", load: "Load model", onnx: "Export ONNX", module: "Export module", copy: "Copy code", copied: "The code is in the clipboard.", copyFailed: "The clipboard is not to be had. Select the code below and copy it.", code: "Code of this network", link: "Copy link", linkCopied: "The link is in the clipboard.",
  draw: "Draw a digit", drawHint: "Draw with the mouse or a finger; with the keyboard, move by the arrow keys and paint with the space bar.", clear: "Clear drawing", loadedModel: "The model is loaded.", error: "Error", started: "Training", paused: "Paused at epoch {0}", resetDone: "The network starts anew.", applied: "The advice is applied.",
};

export type Text = keyof typeof en;

const zh: Record<Text, string> = {
  title: "神经网络游乐场", tagline: "在浏览器中训练小型网络，看清每个神经元在做什么。",
  language: "语言", theme: "主题", "theme.auto": "跟随系统", "theme.light": "浅色", "theme.dark": "深色",
  start: "开始", pause: "暂停", step: "单步", reset: "重置", speed: "速度", "speed.max": "全速", "speed.60": "60 步/秒", "speed.10": "10 步/秒", "speed.1": "1 步/秒",
  trainingLoss: "训练损失", testLoss: "测试损失", trainingAccuracy: "训练准确率", testAccuracy: "测试准确率", trainingR2: "训练 R²", testR2: "测试 R²",
  epochs: "轮数", steps: "步数", samplesPerSecond: "样本/秒", stepsPerSecond: "步/秒", rateNow: "当前学习率", trainingTime: "训练时间",
  data: "数据", dataSet: "数据集", "data.xor": "异或", "data.circles": "圆环", "data.moons": "双月", "data.spiral": "螺旋", "data.blobs": "高斯团",
  "data.wave": "回归：波", "data.hills": "回归：山丘", "data.digits": "数字 8×8", "data.table": "自己的 CSV",
  classes: "类别数", samples: "样本数", noise: "噪声", split: "训练比例 (%)", dataSeed: "数据种子", scale: "标准化输入",
  csv: "CSV 文件", csvNote: "文件只留在本页面，不会上传。", target: "目标列", csvEmpty: "请选择带表头的 CSV 文件。", csvCut: "使用 {1} 行中的 {0} 行，按数据种子随机抽取。",
  network: "网络", addLayer: "添加层", removeLayer: "删除第 {0} 层", layer: "第 {0} 层", units: "第 {0} 层的单元数", fewer: "第 {0} 层减少一个单元", more: "第 {0} 层增加一个单元",
  activation: "第 {0} 层的激活函数", outputActivation: "输出层的激活函数", lossName: "损失函数", range: "{0}：应为 {1} 到 {2} 之间的数，实际为 {3}", output: "输出", init: "初始化", "init.auto": "随激活函数", norm: "归一化", "norm.none": "无", dropout: "随机失活", seed: "权重种子",
  training: "训练", optimizer: "优化器", rate: "学习率", schedule: "学习率计划", scheduleSteps: "计划步数", batch: "批大小", l1: "L1 惩罚", l2: "L2 惩罚",
  surface: "输出", surfaceOf: "平面上的输出", curveOf: "拟合曲线", confusionOf: "测试样本的混淆矩阵：行为真实类别，列为预测类别", scatterOf: "预测值与真实值",
  showTest: "测试样本", graph: "神经元", graphHint: "选择一个神经元查看其内部。蓝线为正权重，橙线为负权重。", neuron: "第 {0} 层，神经元 {1}", outputNeuron: "输出 {0}", moreNeurons: "另有 {0} 个",
  curves: "曲线", lossCurve: "损失", accuracyCurve: "准确率", r2Curve: "R²", train: "训练", test: "测试",
  compareWith: "第二个网络的激活函数", "compare.none": "无第二个网络", shown: "图中显示", networkA: "网络 A", networkB: "网络 B",
  neuronPage: "神经元内部", close: "关闭", sample: "训练样本", input: "输入", product: "w · x", bias: "偏置", weightedSum: "加权和", activationOutput: "输出值", others: "其余 {0} 个",
  dead: "已死：在所有样本上为 0 且没有梯度", saturated: "饱和：{0} 的样本落在曲线平坦处", alive: "正常：梯度可以通过", slope: "学到的斜率", derivative: "导数", histogram: "数据的加权和", functionCurve: "激活函数",
  softmaxNote: "Softmax 让所有输出互相比较，因此没有单独的曲线。",
  findings: "诊断", noFindings: "目前的网络没有发现问题。", apply: "采纳建议", layerShort: "第 {0} 层",
  "finding.deadUnits": "死亡单元", "finding.vanishingGradient": "梯度消失", "finding.explodingGradient": "梯度爆炸", "finding.saturation": "饱和", "finding.unusedCapacity": "容量闲置", "finding.unscaledInputs": "输入未缩放",
  "meaning.deadUnits": "部分单元在所有样本上输出 0，不再学习。", "meaning.vanishingGradient": "几乎没有梯度到达这一层。", "meaning.explodingGradient": "梯度逐层变大。", "meaning.saturation": "许多激活落在曲线平坦处，梯度很小。", "meaning.unusedCapacity": "部分单元与其他单元相同或恒定。", "meaning.unscaledInputs": "输入的大小相差很大。",
  "change.scale": "建议：标准化输入。", "change.init": "建议：按激活函数初始化权重。", "change.seed": "建议：用种子 {0} 重新抽取权重。", "change.rate": "建议：学习率改为 {0}。",
  "change.output": "建议：输出层改用 {0}。", "change.fewerLayers": "建议：减少一个隐藏层。", "change.activation": "建议：第 {1} 层改用 {0}。", "change.units": "建议：第 {1} 层改为 {0} 个单元。",
  slopes: "PReLU 斜率", model: "模型与代码", save: "保存模型", load: "载入模型", onnx: "导出 ONNX", module: "导出模块", copy: "复制代码", copied: "代码已复制到剪贴板。", copyFailed: "无法使用剪贴板。请选中下面的代码并复制。", code: "此网络的代码", link: "复制链接", linkCopied: "链接已复制到剪贴板。",
  draw: "画一个数字", drawHint: "用鼠标或手指绘制；用键盘时以方向键移动，空格键涂色。", clear: "清除绘图", loadedModel: "模型已载入。", error: "错误", started: "正在训练", paused: "已在第 {0} 轮暂停", resetDone: "网络重新开始。", applied: "建议已采纳。",
};

export const texts: Record<Language, Record<Text, string>> = { en, zh };

let current: Language = "en";

export function language(): Language {
  return current;
}

/** A text with its figures put in. */
export function say(key: Text, ...figures: (string | number)[]): string {
  return texts[current][key].replace(/\{(\d)\}/g, (_, i) => String(figures[Number(i)]));
}

/** Puts all texts of the document into a language. data-text is an element's content, data-label its aria-label; data-figure fills {0}. */
export function speak(next: Language): void {
  current = next;
  document.documentElement.lang = next === "zh" ? "zh-CN" : "en";
  document.title = say("title");
  translate(document);
}

export function translate(root: ParentNode): void {
  for (const element of root.querySelectorAll<HTMLElement>("[data-text]")) element.textContent = say(element.dataset.text as Text, element.dataset.figure ?? "");
  for (const element of root.querySelectorAll<HTMLElement>("[data-label]")) element.setAttribute("aria-label", say(element.dataset.label as Text, element.dataset.figure ?? ""));
}

/** A figure as the page shows it: fixed places, so that it does not dance. */
export function figure(value: number, places = 4): string {
  if (!Number.isFinite(value)) return "–";
  return Math.abs(value) >= 1e4 ? value.toExponential(2) : value.toFixed(places);
}

export function percent(value: number): string {
  return Number.isFinite(value) ? `${(value * 100).toFixed(1)} %` : "–";
}

/** A count in thousands or millions. */
export function many(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  return value >= 1e4 ? `${(value / 1e3).toFixed(1)} k` : String(Math.round(value));
}
