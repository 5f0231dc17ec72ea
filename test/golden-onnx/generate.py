"""Writes models.json: multilayer perceptrons as PyTorch, skl2onnx and tf2onnx export them, with inputs and what the exporters' own runtime makes of them.

    python3 test/golden-onnx/generate.py [folder of skl2onnx]

Made with PyTorch 1.13, scikit-learn 1.2, skl2onnx 1.13 and onnx 1.12. PyTorch's models are written by torch.onnx.export, scikit-learn's by skl2onnx
(https://github.com/onnx/sklearn-onnx, with onnxconverter-common beside it). TensorFlow is not at hand: Keras' models are built node by node in the form that
tf2onnx gives them (https://github.com/onnx/tensorflow-onnx, tests/), and their outputs are computed by NumPy from the layers' definitions.
Each entry: source, name, model (base64), inputs, outputs, shape [samples, inputs, outputs].
"""

import base64
import io
import json
import math
import os
import sys
import warnings

warnings.simplefilter("ignore")
if len(sys.argv) > 1:
    sys.path.insert(0, sys.argv[1])
import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

entries = []


def add(source, name, model, inputs, outputs):
    inputs, outputs = np.asarray(inputs, np.float32), np.asarray(outputs, np.float64)
    outputs = outputs.reshape(len(inputs), -1)
    entries.append({
        "source": source, "name": name, "model": base64.b64encode(model).decode(), "shape": [len(inputs), int(inputs[0].size), outputs.shape[1]],
        "inputs": [float(f"{x:.9g}") for x in inputs.ravel()], "outputs": [float(f"{x:.9g}") for x in outputs.ravel()],
    })


# ---- PyTorch ----

class Mlp(nn.Module):
    def __init__(self, activation, norm=None):
        super().__init__()
        self.first, self.norm, self.last, self.activation = nn.Linear(5, 7), norm, nn.Linear(7, 3), activation

    def forward(self, x):
        x = self.first(x)
        return self.last(self.activation(x if self.norm is None else self.norm(x)))


class View(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(12, 6), nn.ReLU(), nn.Linear(6, 2))

    def forward(self, x):
        return self.body(x.view(x.size(0), -1))


class Matmul(nn.Module):
    """Weights as they are written by hand, the data on the left or on the right."""

    def __init__(self, right):
        super().__init__()
        self.w, self.b, self.right = nn.Parameter(torch.randn(4, 5)), nn.Parameter(torch.randn(4)), right

    def forward(self, x):
        return torch.tanh(self.b + (self.w @ x.t()).t()) if self.right else torch.tanh(self.b + x @ self.w.t())


def randomise(module, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in list(module.named_parameters()) + list(module.named_buffers()):
            if value.dtype == torch.int64:
                continue
            value.copy_(torch.randn(value.shape, generator=generator) * 0.5)
            if "running_var" in name:
                value.copy_(value.abs() + 0.3)


def pytorch(name, module, shape=(5,), opset=13, dynamic=True, seed=1, **options):
    randomise(module, seed)
    module.eval()
    x = torch.randn((6, *shape), generator=torch.Generator().manual_seed(seed + 1))
    with torch.no_grad():
        y = module(x)
    file = io.BytesIO()
    axes = {"input": {0: "batch"}, "output": {0: "batch"}} if dynamic else None
    torch.onnx.export(module, x if dynamic else x[:1], file, opset_version=opset, input_names=["input"], output_names=["output"], dynamic_axes=axes, **options)
    add("PyTorch", name, file.getvalue(), x.numpy(), y.numpy())


class Gelu(nn.Module):
    def forward(self, x):
        return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * torch.pow(x, 3))))


activations = {
    "relu": nn.ReLU(), "sigmoid": nn.Sigmoid(), "tanh": nn.Tanh(), "leakyRelu": nn.LeakyReLU(0.2), "prelu": nn.PReLU(7), "preluShared": nn.PReLU(),
    "elu": nn.ELU(0.7), "selu": nn.SELU(), "gelu": nn.GELU(), "geluTanh": Gelu(), "silu": nn.SiLU(), "mish": nn.Mish(), "softplus": nn.Softplus(),
    "softsign": nn.Softsign(), "relu6": nn.ReLU6(), "hardSigmoid": nn.Hardsigmoid(), "hardTanh": nn.Hardtanh(), "hardTanhWide": nn.Hardtanh(-2, 0.5), "celu": nn.CELU(1.5),
}
for name, activation in activations.items():
    pytorch(name, Mlp(activation))
for opset in (9, 10, 11, 12, 14, 15, 16, 17):
    pytorch(f"opset{opset}", Mlp(nn.GELU(), nn.LayerNorm(7)), opset=opset)
pytorch("geluTanhOption", Mlp(nn.GELU(approximate="tanh")), opset=14)
pytorch("batchNorm", Mlp(nn.ReLU(), nn.BatchNorm1d(7, eps=1e-3)))
pytorch("batchNormBehind", nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.BatchNorm1d(7), nn.Dropout(0.3), nn.Linear(7, 2)))
pytorch("batchNormFirst", nn.Sequential(nn.BatchNorm1d(5), nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 1), nn.Sigmoid()))
pytorch("batchNormTrainingForm", nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.BatchNorm1d(7), nn.Linear(7, 2)), training=torch.onnx.TrainingMode.PRESERVE)
pytorch("layerNormBehind", nn.Sequential(nn.Linear(5, 7), nn.SiLU(), nn.LayerNorm(7), nn.Linear(7, 2)), opset=17)
pytorch("softmax", nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 8, bias=False), nn.ELU(), nn.Linear(8, 4), nn.Softmax(dim=1)))
pytorch("fixedBatch", nn.Sequential(nn.Flatten(), nn.Linear(12, 4), nn.ReLU(), nn.Linear(4, 2)), (3, 4), dynamic=False)
pytorch("flatten", nn.Sequential(nn.Flatten(), nn.Linear(12, 4), nn.ReLU(), nn.Linear(4, 2)), (1, 3, 4))
pytorch("view", View(), (3, 4))
pytorch("viewFixed", View(), (3, 4), dynamic=False)
pytorch("unfolded", nn.Sequential(nn.Linear(5, 3), nn.Tanh(), nn.Linear(3, 1)), do_constant_folding=False)
pytorch("initializersAsInputs", nn.Sequential(nn.Linear(5, 3), nn.Tanh(), nn.Linear(3, 1)), keep_initializers_as_inputs=True)
pytorch("matmulLeft", Matmul(False))
pytorch("matmulRight", Matmul(True))
double = nn.Sequential(nn.Linear(5, 6), nn.GELU(), nn.Linear(6, 2)).double()
randomise(double, 4)
x = torch.randn(6, 5, generator=torch.Generator().manual_seed(3))
file = io.BytesIO()
torch.onnx.export(double.eval(), x.double(), file, opset_version=13, dynamic_axes={"input": {0: "n"}}, input_names=["input"])
add("PyTorch", "double", file.getvalue(), x.numpy(), double(x.double()).detach().numpy())

# ---- skl2onnx ----

if len(sys.argv) > 1:
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
    from sklearn.datasets import load_diabetes, load_iris
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    X, y = load_iris(return_X_y=True)
    X = X.astype(np.float32)
    texts = np.array(["setosa", "versicolor", "virginica"])[y]
    some = X[::15]

    def sklearn(name, model, data, target, sample, width, kind=FloatTensorType, **options):
        model.fit(data, target)
        exported = convert_sklearn(model, initial_types=[("X", kind([None, width]))], target_opset=options.pop("target_opset", 15), **options)
        last = model[-1] if hasattr(model, "steps") else model
        outputs = model.predict_proba(sample) if hasattr(last, "predict_proba") else model.predict(sample)
        add("skl2onnx", name, exported.SerializeToString(), sample, outputs)

    for activation in ("identity", "logistic", "tanh", "relu"):
        sklearn(f"classifier {activation}", MLPClassifier((8, 5), activation=activation, max_iter=60, random_state=0), X, y, some, 4)
    sklearn("labels of text", MLPClassifier((6,), max_iter=60, random_state=0), X, texts, some, 4)
    sklearn("no zipmap", MLPClassifier((6,), max_iter=60, random_state=0), X, y, some, 4, options={"zipmap": False})
    sklearn("two classes", MLPClassifier((6,), max_iter=60, random_state=0), X[:100], y[:100], X[:100:9], 4)
    sklearn("two classes, no zipmap", MLPClassifier((6, 4), activation="tanh", max_iter=60, random_state=0), X[50:], texts[50:], X[50::9], 4, options={"zipmap": False})
    sklearn("pipeline", make_pipeline(StandardScaler(), MLPClassifier((7,), max_iter=80, random_state=0)), X, y, some, 4)
    sklearn("pipeline of MinMaxScaler", make_pipeline(MinMaxScaler(), MLPClassifier((7,), max_iter=80, random_state=0)), X, y, some, 4)
    D, t = load_diabetes(return_X_y=True)
    D = D.astype(np.float32)
    sklearn("regressor", MLPRegressor((9,), max_iter=100, random_state=0), D, t / 100, D[::60], 10)
    sklearn("f64", MLPClassifier((6,), max_iter=60, random_state=0), X.astype(np.float64), y, some.astype(np.float64), 4, DoubleTensorType, options={"zipmap": False})
    sklearn("opset 11", MLPClassifier((6,), max_iter=60, random_state=0), X, y, some, 4, target_opset=11)

# ---- the form of tf2onnx ----

random = np.random.RandomState(7)


def weights(*shape):
    return random.randn(*shape).astype(np.float32) * 0.5


def keras(name, nodes, constants, x, y, width, opset=13):
    initializers = [numpy_helper.from_array(np.asarray(value, np.int64 if key.endswith("shape") else np.float32), key) for key, value in constants.items()]
    graph = helper.make_graph(
        nodes, "tf2onnx", [helper.make_tensor_value_info("dense_input", TensorProto.FLOAT, ["unk__6", width])],
        [helper.make_tensor_value_info("dense_out", TensorProto.FLOAT, ["unk__7", y.shape[1]])], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 2)], producer_name="tf2onnx")
    onnx.checker.check_model(model)
    add("tf2onnx", name, model.SerializeToString(), x, y)


def relu(x):
    return np.maximum(x, 0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


W, b, V, c = weights(5, 7), weights(7), weights(7, 3), weights(3)
X5 = random.randn(6, 5).astype(np.float32)
Z = X5.astype(np.float64) @ W + b
base = "StatefulPartitionedCall/sequential/dense"


def keras_layers(name, nodes, hidden, extra={}):
    constants = {f"{base}/MatMul/ReadVariableOp:0": W, f"{base}/BiasAdd/ReadVariableOp:0": b, f"{base}_1/MatMul/ReadVariableOp:0": V, f"{base}_1/BiasAdd/ReadVariableOp:0": c, **extra}
    logits = hidden @ V + c
    e = np.exp(logits - logits.max(1, keepdims=True))
    keras(name, [
        helper.make_node("MatMul", ["dense_input", f"{base}/MatMul/ReadVariableOp:0"], ["m"], f"{base}/MatMul"),
        helper.make_node("Add", ["m", f"{base}/BiasAdd/ReadVariableOp:0"], ["z"], f"{base}/BiasAdd"),
        *nodes,
        helper.make_node("MatMul", ["a", f"{base}_1/MatMul/ReadVariableOp:0"], ["n"], f"{base}_1/MatMul"),
        helper.make_node("Add", [f"{base}_1/BiasAdd/ReadVariableOp:0", "n"], ["logits"], f"{base}_1/BiasAdd"),
        helper.make_node("Softmax", ["logits"], ["dense_out"], f"{base}_1/Softmax", axis=1),
    ], constants, X5, e / e.sum(1, keepdims=True), 5)


N = helper.make_node
keras_layers("relu", [N("Relu", ["z"], ["a"])], relu(Z))
keras_layers("swish", [N("Sigmoid", ["z"], ["s"]), N("Mul", ["z", "s"], ["a"])], Z * sigmoid(Z))
keras_layers("hard_sigmoid", [N("Mul", ["z", "c0"], ["p"]), N("Add", ["p", "c1"], ["q"]), N("Clip", ["q", "c2", "c3"], ["a"])], np.clip(0.2 * Z + 0.5, 0, 1), {"c0": 0.2, "c1": 0.5, "c2": 0.0, "c3": 1.0})
keras_layers("relu6", [N("Relu", ["z"], ["r"]), N("Min", ["r", "c0"], ["a"])], np.clip(Z, 0, 6), {"c0": 6.0})
keras_layers("LeakyReLU as a maximum", [N("Mul", ["z", "c0"], ["p"]), N("Max", ["z", "p"], ["a"])], np.where(Z > 0, Z, np.float64(np.float32(0.3)) * Z), {"c0": 0.3})
slope = weights(7)
keras_layers("PReLU", [N("Relu", ["z"], ["r"]), N("Neg", ["z"], ["m1"]), N("Relu", ["m1"], ["m2"]), N("Mul", ["m2", "alpha"], ["m3"]), N("Add", ["r", "m3"], ["a"])], relu(Z) - slope * relu(-Z), {"alpha": -slope})
erf = np.vectorize(math.erf)
keras_layers("gelu", [N("Mul", ["z", "c0"], ["p"]), N("Mul", ["z", "c1"], ["q"]), N("Erf", ["q"], ["e"]), N("Add", ["e", "c2"], ["f"]), N("Mul", ["p", "f"], ["a"])],
             0.5 * Z * (1 + erf(Z / math.sqrt(2))), {"c0": 0.5, "c1": 1 / math.sqrt(2), "c2": 1.0})
keras_layers("mish", [N("Softplus", ["z"], ["s"]), N("Tanh", ["s"], ["t"]), N("Mul", ["z", "t"], ["a"])], Z * np.tanh(np.log1p(np.exp(Z))))
keras_layers("exponential and softsign", [N("Softsign", ["z"], ["s"]), N("Identity", ["s"], ["a"])], Z / (1 + abs(Z)))
gamma, beta, mean, variance = weights(7), weights(7), weights(7), abs(weights(7)) + 0.2
scale = gamma / np.sqrt(variance + 1e-3)
keras_layers("BatchNormalization, folded", [N("Relu", ["z"], ["r"]), N("Mul", ["r", "scale"], ["p"]), N("Add", ["p", "offset"], ["a"])], relu(Z) * scale + (beta - mean * scale), {"scale": scale, "offset": beta - mean * scale})
keras_layers("BatchNormalization, unfolded", [N("Add", ["variance", "c0"], ["v"]), N("Sqrt", ["v"], ["w"]), N("Reciprocal", ["w"], ["r"]), N("Mul", ["r", "gamma"], ["g"]), N("Mul", ["z", "g"], ["p"]),
             N("Mul", ["mean", "g"], ["mg"]), N("Sub", ["beta", "mg"], ["o"]), N("Add", ["p", "o"], ["y"]), N("Tanh", ["y"], ["a"])],
             np.tanh((Z - mean) * scale + beta), {"gamma": gamma, "beta": beta, "mean": mean, "variance": variance, "c0": 1e-3})
keras_layers("Flatten", [N("Reshape", ["z", "new_shape"], ["y"]), N("Relu", ["y"], ["a"])], relu(Z), {"new_shape": [-1, 7]})

path = os.path.join(os.path.dirname(__file__), "models.json")
with open(path, "w") as out:
    out.write("[\n" + ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in entries) + "\n]\n")
print(len(entries), "models,", os.path.getsize(path), "bytes")
