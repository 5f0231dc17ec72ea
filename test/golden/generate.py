#!/usr/bin/python3
"""Writes the golden trajectories: small networks trained by PyTorch in float64, batches in order, no shuffling.

    python3 test/golden/generate.py            (PyTorch 1.13; one thread)

Each case holds a description in the library's words, initial tensors and data, the loss before each step (penalty included)
and the tensors after the last. Initial tensors and data are multiples of 2^-8, exact in float32. So that a float32 run can be
compared, a case is drawn again with the next seed until nothing on its whole path is badly conditioned:
  - no weighted sum, loss argument, l1-penalised weight or clipped gradient lies near a kink (KINK_MARGIN);
  - where an optimizer divides by a gradient's magnitude, the divisor is 0 throughout (a unit that is dead) or at least
    DIVISOR_MARGIN of its tensor's largest gradient;
  - where it takes a sign (lion), the argument is 0 or at least SIGN_MARGIN of the largest in its tensor;
  - a norm that is clipped is not within CLIP_MARGIN of its bound, and clipping does occur;
  - no loss is nearer to 0 than LOSS_MINIMUM (klDivergence of an unnormalised output may be negative).
"""

import json
import os
import random

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)

KINK_MARGIN = 1e-4
DIVISOR_MARGIN = 2e-3
SIGN_MARGIN = 5e-5
CLIP_MARGIN = 1e-3
LOSS_MINIMUM = 0.05
SAMPLES = 13


class Unfit(Exception):
    """The path comes too near to a point where float32 and float64 part."""


def require(margin, minimum, what):
    if not margin >= minimum:
        raise Unfit(what)


# ---- activations: (function, kinks)

ACTIVATIONS = {
    "linear": (lambda z, o, s: z, []),
    "sigmoid": (lambda z, o, s: torch.sigmoid(z), []),
    "tanh": (lambda z, o, s: torch.tanh(z), []),
    "relu": (lambda z, o, s: F.relu(z), [0]),
    "leakyRelu": (lambda z, o, s: F.leaky_relu(z, o.get("slope", 0.01)), [0]),
    "prelu": (lambda z, o, s: F.prelu(z, s), [0]),
    "softmax": (lambda z, o, s: F.softmax(z, dim=1), []),
    "elu": (lambda z, o, s: F.elu(z, o.get("alpha", 1.0)), [0]),
    "selu": (lambda z, o, s: F.selu(z), [0]),
    "gelu": (lambda z, o, s: F.gelu(z, approximate=o.get("approximate", "none")), []),
    "silu": (lambda z, o, s: F.silu(z), []),
    "mish": (lambda z, o, s: F.mish(z), []),
    "softplus": (lambda z, o, s: F.softplus(z, threshold=100), []),  # the threshold is PyTorch's shortcut to the identity
    "softsign": (lambda z, o, s: F.softsign(z), []),
    "relu6": (lambda z, o, s: F.relu6(z), [0, 6]),
    # F.hardsigmoid rounds its 1/6 to float32 in a float64 tensor too.
    "hardSigmoid": (lambda z, o, s: torch.clamp(z / 6 + 0.5, 0, 1), [-3, 3]),
    "hardTanh": (lambda z, o, s: F.hardtanh(z), [-1, 1]),
    "exponential": (lambda z, o, s: torch.exp(z), []),
}


# ---- losses: one number a sample

def sample_losses(loss, output, z, p, t, indices):
    name = loss["name"]
    if name == "meanSquaredError":
        return F.mse_loss(p, t, reduction="none").mean(1)
    if name == "meanAbsoluteError":
        require((p - t).abs().min(), KINK_MARGIN, "|p - t|")
        return F.l1_loss(p, t, reduction="none").mean(1)
    if name == "huber":
        delta = loss.get("delta", 1.0)
        return F.huber_loss(p, t, reduction="none", delta=delta).mean(1)
    if name == "logCosh":
        return torch.log(torch.cosh(p - t)).mean(1)
    if name == "binaryCrossEntropy":
        if output == "sigmoid":
            return F.binary_cross_entropy_with_logits(z, t, reduction="none").mean(1)
        require(torch.minimum(p, 1 - p).min(), 0.02, "p in (0, 1)")
        return F.binary_cross_entropy(p, t, reduction="none").mean(1)
    if name == "crossEntropy":
        target = indices if indices is not None else t
        return F.cross_entropy(z, target, reduction="none", label_smoothing=loss.get("labelSmoothing", 0.0))
    if name == "hinge":
        require((1 - t * p).abs().min(), KINK_MARGIN, "1 - t p")
        return F.relu(1 - t * p).mean(1)
    if name == "poisson":
        require(p.min(), 0.02, "p > 0")
        return F.poisson_nll_loss(p, t, log_input=False, full=False, eps=0.0, reduction="none").mean(1)
    if name == "klDivergence":
        require(p.min(), 0.02, "p > 0")
        log_p = F.log_softmax(z, dim=1) if output == "softmax" else torch.log(p)
        return F.kl_div(log_p, t, reduction="none").sum(1)
    raise ValueError(name)


# ---- optimizers

class Lion(torch.optim.Optimizer):
    """Chen et al. 2023, algorithm 2; PyTorch 1.13 has none."""

    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                state = self.state[p]
                if not state:
                    state["exp_avg"] = torch.zeros_like(p)
                m = state["exp_avg"]
                update = m * beta1 + p.grad * (1 - beta1)
                magnitudes = update.abs()[update != 0]
                if magnitudes.numel():
                    require(magnitudes.min() / magnitudes.max(), SIGN_MARGIN, "sign of lion")
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.sub_(group["lr"] * torch.sign(update))
                m.mul_(beta2).add_(p.grad, alpha=1 - beta2)


def make_optimizer(spec, params):
    o = dict(spec)
    name = o.pop("name")
    lr = o.pop("learningRate")
    if name == "sgd":
        return torch.optim.SGD(params, lr=lr, **o)
    if name == "rmsprop":
        return torch.optim.RMSprop(params, lr=lr, alpha=o.get("decay", 0.99), eps=o.get("epsilon", 1e-8), momentum=o.get("momentum", 0))
    if name == "adagrad":
        return torch.optim.Adagrad(params, lr=lr, eps=o.get("epsilon", 1e-10))
    betas = (o.get("beta1", 0.9), o.get("beta2", 0.99 if name == "lion" else 0.999))
    if name == "lion":
        return Lion(params, lr=lr, betas=betas, weight_decay=o.get("weightDecay", 0.0))
    eps = o.get("epsilon", 1e-8)
    if name == "adam":
        return torch.optim.Adam(params, lr=lr, betas=betas, eps=eps)
    if name == "adamw":
        return torch.optim.AdamW(params, lr=lr, betas=betas, eps=eps, weight_decay=o.get("weightDecay", 0.01))
    if name == "nadam":
        # foreach: the other path of PyTorch 1.13 counts mu_t twice in the product up to t + 1, against its own documentation
        # (mended in https://github.com/pytorch/pytorch/pull/92699).
        return torch.optim.NAdam(params, lr=lr, betas=betas, eps=eps, momentum_decay=o.get("momentumDecay", 0.004), foreach=True)
    raise ValueError(name)


def check_divisor(optimizer, name):
    """The root of the running mean of squares, bias-corrected: what the step is divided by."""
    key = {"rmsprop": "square_avg", "adagrad": "sum", "adam": "exp_avg_sq", "adamw": "exp_avg_sq", "nadam": "exp_avg_sq"}.get(name)
    if key is None:
        return
    for p, state in optimizer.state.items():
        roots = state[key].sqrt()
        roots = roots[roots != 0]
        if roots.numel() and p.grad.numel() > 1:
            require(roots.min() / roots.max(), DIVISOR_MARGIN, "divisor")


# ---- one run

def quantised(rng, low, high):
    return round(rng.uniform(low, high) * 256) / 256


def draw_targets(rng, loss, outputs, kind):
    if kind == "indices":
        return [rng.randrange(outputs) for _ in range(SAMPLES)]
    rows = []
    for s in range(SAMPLES):
        if kind == "signs":
            row = [rng.choice([-1.0, 1.0]) for _ in range(outputs)]
        elif kind == "probabilities":
            row = [rng.choice([0.0, 1.0, quantised(rng, 0, 1)]) for _ in range(outputs)]
        elif kind == "counts":
            row = [float(rng.randrange(4)) for _ in range(outputs)]
        elif kind == "distributions":
            cuts = sorted(rng.randrange(257) for _ in range(outputs - 1))
            row = [(b - a) / 256 for a, b in zip([0] + cuts, cuts + [256])]
        else:
            row = [quantised(rng, -2, 2) for _ in range(outputs)]
        rows.extend(row)
    return rows


TARGET_KINDS = {"hinge": "signs", "binaryCrossEntropy": "probabilities", "poisson": "counts", "klDivergence": "distributions"}


def run(case, seed):
    rng = random.Random(f"{case['name']} {seed}")
    layers = case["layers"]
    sizes = [case["inputCount"]] + [layer["units"] for layer in layers]
    outputs = sizes[-1]
    loss = case["loss"]
    kind = "indices" if case["classIndices"] else case.get("targetKind", TARGET_KINDS.get(loss["name"], "numbers"))
    if loss["name"] == "crossEntropy" and kind == "numbers":
        kind = "distributions"

    initial = []
    for l, layer in enumerate(layers):
        reach = 1.5 * layer.get("reach", 1) / sizes[l] ** 0.5
        centre = layer.get("centre", 0)
        tensors = {"weights": [quantised(rng, -reach, reach) for _ in range(sizes[l] * sizes[l + 1])]}
        if layer.get("bias", True):
            tensors["biases"] = [quantised(rng, centre - 0.25, centre + 0.25) for _ in range(sizes[l + 1])]
        if layer["activation"]["name"] == "prelu":
            count = 1 if layer["activation"].get("shared") else sizes[l + 1]
            tensors["slopes"] = [layer["activation"].get("initialSlope", 0.25)] * count
        initial.append(tensors)
    inputs = [quantised(rng, -2, 2) for _ in range(SAMPLES * sizes[0])]
    targets = draw_targets(rng, loss, outputs, kind)
    sample_weights = [rng.randrange(0, 9) / 4 for _ in range(SAMPLES)] if case.get("weighted") else None

    x = torch.tensor(inputs).reshape(SAMPLES, sizes[0])
    t = torch.tensor(targets) if kind == "indices" else torch.tensor(targets).reshape(SAMPLES, outputs)
    w = torch.tensor(sample_weights) if sample_weights else torch.ones(SAMPLES)

    params = []
    trainable = []
    for l, (layer, tensors) in enumerate(zip(layers, initial)):
        made = {"weights": torch.tensor(tensors["weights"]).reshape(sizes[l + 1], sizes[l])}
        for key in ("biases", "slopes"):
            if key in tensors:
                made[key] = torch.tensor(tensors[key])
        for value in made.values():
            value.requires_grad_(layer.get("trainable", True))
        params.append(made)
        if layer.get("trainable", True):
            trainable.extend(made.values())
    optimizer = make_optimizer(case["optimizer"], trainable)
    clip = case.get("gradientClip")

    losses = []
    clipped = False
    for epoch in range(case["epochs"]):
        for start in range(0, SAMPLES, case["batchSize"]):
            part = slice(start, min(start + case["batchSize"], SAMPLES))
            a = x[part]
            for layer, tensors in zip(layers, params):
                z = F.linear(a, tensors["weights"], tensors.get("biases"))
                function, kinks = ACTIVATIONS[layer["activation"]["name"]]
                for kink in kinks:
                    require((z - kink).abs().min(), KINK_MARGIN, "z at a kink")
                a = function(z, layer["activation"], tensors.get("slopes"))
            output = layers[-1]["activation"]["name"]
            indices = t[part] if kind == "indices" else None
            each = sample_losses(loss, output, z, a, t[part], indices)
            require(w[part].sum(), 0.25, "weights of a batch")
            total = (w[part] * each).sum() / w[part].sum()
            for layer, tensors in zip(layers, params):
                weights = tensors["weights"]
                if layer.get("l1"):
                    require(weights.abs().min(), KINK_MARGIN, "weight at 0 under l1")
                total = total + layer.get("l1", 0) * weights.abs().sum() + layer.get("l2", 0) * (weights ** 2).sum()
            require(abs(total.item()), LOSS_MINIMUM, "small loss")
            losses.append(total.item())
            optimizer.zero_grad()
            total.backward()
            if clip and "norm" in clip:
                norm = torch.nn.utils.clip_grad_norm_(trainable, clip["norm"])
                require(abs(norm / clip["norm"] - 1), CLIP_MARGIN, "norm at its bound")
                clipped = clipped or bool(norm > clip["norm"])
            if clip and "value" in clip:
                for p in trainable:
                    require((p.grad.abs() - clip["value"]).abs().min(), KINK_MARGIN, "gradient at its bound")
                    clipped = clipped or bool((p.grad.abs() > clip["value"]).any())
                torch.nn.utils.clip_grad_value_(trainable, clip["value"])
            optimizer.step()
            check_divisor(optimizer, case["optimizer"]["name"])
    if clip:
        require(float(clipped), 1, "clipping occurs")
    final = [{key: value.detach().flatten().tolist() for key, value in tensors.items()} for tensors in params]
    for before, after in zip(initial, final):
        for key, values in after.items():
            if not all(abs(v) < 50 for v in values):
                raise Unfit("diverges")
    return {
        **{k: v for k, v in case.items() if k not in ("weighted", "targetKind", "layers")},
        "seed": seed,
        "layers": [{k: v for k, v in layer.items() if k not in ("reach", "centre")} for layer in layers],
        "inputs": inputs,
        "targets": targets,
        **({"sampleWeights": sample_weights} if sample_weights else {}),
        "initial": initial,
        "losses": losses,
        "final": final,
    }


# ---- the cases

def layer(units, activation, **options):
    return {"units": units, "activation": activation if isinstance(activation, dict) else {"name": activation}, **options}


def case(name, input_count, layers, loss, optimizer, batch_size=5, **options):
    loss = loss if isinstance(loss, dict) else {"name": loss}
    # 7 epochs of 5 + 5 + 3 samples are 21 steps, 5 of 4 + 4 + 4 + 1 are 20.
    return {"name": name, "inputCount": input_count, "layers": layers, "loss": loss, "optimizer": optimizer,
            "batchSize": batch_size, "epochs": 7 if batch_size == 5 else 5, "classIndices": False, **options}


def title(thing):
    parameters = [f"{k} {v}" for k, v in thing.items() if k != "name"]
    return thing["name"] + (f" ({', '.join(parameters)})" if parameters else "")


SGD = {"name": "sgd", "learningRate": 0.03125}
VARIANTS = [{"name": n} for n in ACTIVATIONS] + [
    {"name": "leakyRelu", "slope": 0.25}, {"name": "prelu", "initialSlope": 0.125, "shared": True}, {"name": "elu", "alpha": 0.75},
    {"name": "gelu", "approximate": "tanh"},
]


def activation_cases():
    momentum = {"name": "sgd", "learningRate": 0.015625, "momentum": 0.75}
    for k, activation in enumerate(v for v in VARIANTS if v["name"] != "softmax"):
        sizes = [(5, 7, 6, 3), (3, 9, 5, 2), (6, 8, 4, 1), (7, 5, 11, 4)][k % 4]
        # exponential grows by itself; its layers start smaller.
        reach = 0.5 if activation["name"] == "exponential" else 1
        yield case(f"hidden {title(activation)}", sizes[0], [
            layer(sizes[1], activation, reach=reach), layer(sizes[2], activation, reach=reach), layer(sizes[3], "linear"),
        ], "meanSquaredError", momentum, batch_size=5 if k % 2 == 0 else 4)
    for k, activation in enumerate(VARIANTS):
        reach = 0.5 if activation["name"] == "exponential" else 1
        yield case(f"output {title(activation)}", 5, [layer(6, "tanh"), layer(3, activation, reach=reach)], "meanSquaredError", momentum,
                   batch_size=4 if k % 2 == 0 else 5)


def loss_cases():
    pairs = [
        ("linear", "meanSquaredError"), ("linear", "meanAbsoluteError"), ("linear", "huber"), ("linear", {"name": "huber", "delta": 0.5}),
        ("linear", "logCosh"), ("sigmoid", "binaryCrossEntropy"), ("hardSigmoid", "binaryCrossEntropy"), ("softmax", "binaryCrossEntropy"),
        ("softmax", "crossEntropy"), ("softmax", {"name": "crossEntropy", "labelSmoothing": 0.125}), ("tanh", "hinge"), ("linear", "hinge"),
        ("softplus", "poisson"), ("exponential", "poisson"), ("softmax", "klDivergence"), ("sigmoid", "klDivergence"), ("softplus", "klDivergence"),
    ]
    for k, (output, loss) in enumerate(pairs):
        loss = loss if isinstance(loss, dict) else {"name": loss}
        for weighted in (False, True):
            yield case(f"{output}, {title(loss)}{', sample weights' if weighted else ''}", 6,
                       [layer(7, "tanh"), layer(5, output, reach=0.5)], loss, {"name": "sgd", "learningRate": 0.125},
                       batch_size=5 if (k + weighted) % 2 == 0 else 4, weighted=weighted)
    for smoothing in (0, 0.0625):
        loss = {"name": "crossEntropy", **({"labelSmoothing": smoothing} if smoothing else {})}
        for weighted in (False, True):
            yield case(f"softmax, {title(loss)}, class indices{', sample weights' if weighted else ''}", 5,
                       [layer(6, "relu"), layer(4, "softmax")], loss, {"name": "sgd", "learningRate": 0.125}, classIndices=True, weighted=weighted)
    yield case("sigmoid, binaryCrossEntropy, one output", 5, [layer(6, "tanh"), layer(1, "sigmoid")], "binaryCrossEntropy", SGD)


OPTIMIZERS = [
    {"name": "sgd", "learningRate": 0.0625},
    {"name": "sgd", "learningRate": 0.03125, "momentum": 0.9},
    {"name": "sgd", "learningRate": 0.03125, "momentum": 0.9, "nesterov": True},
    {"name": "rmsprop", "learningRate": 0.005},
    {"name": "rmsprop", "learningRate": 0.005, "decay": 0.9, "epsilon": 1e-3},
    {"name": "rmsprop", "learningRate": 0.001, "momentum": 0.9},
    {"name": "adagrad", "learningRate": 0.02},
    {"name": "adagrad", "learningRate": 0.02, "epsilon": 1e-2},
    {"name": "adam", "learningRate": 0.01},
    {"name": "adam", "learningRate": 0.01, "beta1": 0.75, "beta2": 0.95, "epsilon": 1e-3},
    {"name": "adamw", "learningRate": 0.01},
    {"name": "adamw", "learningRate": 0.01, "beta1": 0.8, "weightDecay": 0.25},
    {"name": "nadam", "learningRate": 0.01},
    {"name": "nadam", "learningRate": 0.01, "beta1": 0.8, "beta2": 0.98, "momentumDecay": 0.125},
    {"name": "lion", "learningRate": 0.002},
    {"name": "lion", "learningRate": 0.002, "beta1": 0.8, "beta2": 0.95, "weightDecay": 0.25},
]


def optimizer_cases():
    for k, optimizer in enumerate(OPTIMIZERS):
        yield case(f"{title(optimizer)}, 5-7-6-3", 5, [layer(7, "tanh"), layer(6, "tanh"), layer(3, "linear")], "meanSquaredError", optimizer,
                   batch_size=5 if k % 2 == 0 else 4)
        yield case(f"{title(optimizer)}, prelu and softmax", 4, [layer(5, "prelu"), layer(3, "softmax")], "crossEntropy", optimizer,
                   batch_size=4 if k % 2 == 0 else 5, classIndices=True)


def option_cases():
    momentum = {"name": "sgd", "learningRate": 0.03125, "momentum": 0.9}
    adam = {"name": "adam", "learningRate": 0.01}
    adamw = {"name": "adamw", "learningRate": 0.01}
    lion = {"name": "lion", "learningRate": 0.002}

    def network(**options):
        return [layer(7, "tanh", **options), layer(6, "prelu", **options), layer(3, "linear", **options)]

    for optimizer in (SGD, momentum, adam):
        yield case(f"l2, {title(optimizer)}", 5, network(l2=0.0625), "meanSquaredError", optimizer)
        yield case(f"l1, {title(optimizer)}", 5, network(l1=0.03125), "meanSquaredError", optimizer)
    yield case("l1 and l2 of one layer", 5, [layer(7, "tanh", l1=0.0625, l2=0.125), layer(3, "linear")], "meanSquaredError", SGD, batch_size=4)
    for optimizer in (SGD, momentum, adam):
        yield case(f"clipped to norm 0.5, {title(optimizer)}", 5, network(), "meanSquaredError", optimizer, gradientClip={"norm": 0.5})
        yield case(f"clipped to value 0.0625, {title(optimizer)}", 5, network(), "meanSquaredError", optimizer, gradientClip={"value": 0.0625})
    yield case("clipped to norm 1, l2 in the gradient", 5, network(l2=0.125), "meanSquaredError", momentum, gradientClip={"norm": 1})
    yield case("clipped to value 0.125, l1 in the gradient, lion", 5, network(l1=0.03125), "meanSquaredError", lion, gradientClip={"value": 0.125})
    yield case("clipped to a norm that only some steps exceed", 5, network(), "meanSquaredError", SGD, gradientClip={"norm": 2})
    yield case("frozen first layer, clipped to norm 0.5, adamw", 5,
               [layer(7, "prelu", trainable=False, l2=0.125), layer(6, "tanh"), layer(3, "linear")], "meanSquaredError", adamw, gradientClip={"norm": 0.5})
    yield case("frozen middle layer", 5, [layer(7, "tanh"), layer(6, "prelu", trainable=False), layer(3, "linear")], "meanSquaredError", momentum)
    yield case("frozen output", 5, [layer(7, "tanh"), layer(3, "softmax", trainable=False)], "crossEntropy", adam, classIndices=True)
    yield case("no biases", 6, [layer(5, "tanh", bias=False), layer(3, "linear", bias=False)], "meanSquaredError", adamw)
    yield case("no bias in the first layer", 6, [layer(5, "relu", bias=False), layer(3, "softmax")], "crossEntropy", momentum, batch_size=4)
    yield case("sample weights, l2, norm, nadam", 5, network(l2=0.03125), "huber", {"name": "nadam", "learningRate": 0.01},
               gradientClip={"norm": 0.5}, weighted=True)
    yield case("one layer, one output", 3, [layer(1, "linear")], "meanSquaredError", SGD)
    yield case("one input, one unit", 1, [layer(1, "tanh"), layer(1, "sigmoid")], "binaryCrossEntropy", SGD)
    yield case("a batch of all samples", 5, network(), "meanSquaredError", adam) | {"batchSize": SAMPLES, "epochs": 20}
    yield case("batches of one sample", 5, network(), "meanSquaredError", SGD) | {"batchSize": 1, "epochs": 2}
    yield case("33-17-9-5, wider than a tile", 33, [layer(17, "tanh"), layer(9, "gelu"), layer(5, "softmax")], "crossEntropy", momentum, classIndices=True)


def rounded(value):
    """Numbers to 13 significant digits, whole numbers without a fraction."""
    if isinstance(value, bool) or isinstance(value, str) or isinstance(value, int):
        return value
    if isinstance(value, float):
        short = float(f"{value:.13g}")
        return int(short) if short == int(short) and abs(short) < 1e9 else short
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return [rounded(v) for v in value]


def main():
    folder = os.path.dirname(os.path.abspath(__file__))
    for name, cases in (("activations", activation_cases), ("losses", loss_cases), ("optimizers", optimizer_cases), ("options", option_cases)):
        written = []
        for one in cases():
            refusals = {}
            for seed in range(2000):
                try:
                    written.append(run(one, seed))
                    break
                except Unfit as unfit:
                    refusals[str(unfit)] = refusals.get(str(unfit), 0) + 1
            else:
                raise SystemExit(f"no seed fits {one['name']}: {refusals}")
            if os.environ.get("VERBOSE"):
                print(f"{one['name']}: seed {seed} {refusals}")
        header = {"generator": "python3 test/golden/generate.py", "torch": torch.__version__, "dtype": "float64"}
        with open(os.path.join(folder, f"{name}.json"), "w") as file:
            lines = ",\n".join(json.dumps(rounded(one), separators=(",", ":")) for one in written)
            file.write(json.dumps(header, separators=(",", ":"))[:-1] + ',"cases":[\n' + lines + "\n]}\n")
        print(f"{name}.json: {len(written)} cases")


if __name__ == "__main__":
    main()
