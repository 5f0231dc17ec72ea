#!/usr/bin/python3
"""Writes the golden trajectories of dropout, batchNorm and layerNorm: layers.json, in the manner of generate.py.

    python3 test/golden/layers.py              (PyTorch 1.13; one thread)

Dropout's masks are the library's, computed here by Philox 4x32-10 in integers: what is dropped is part of the contract with
model files that are resumed. A batch of one row is normalised by the running statistics, which it leaves as they are; PyTorch
refuses such a batch. Beside the conditions of generate.py no variance that normalises is below VARIANCE_MINIMUM, and layers before
a batchNorm have no bias: its gradient is 0 but for rounding, which an adaptive optimizer would blow up.
"""

import json
import os
import random

import torch
import torch.nn.functional as F

from generate import (ACTIVATIONS, CLIP_MARGIN, KINK_MARGIN, LOSS_MINIMUM, SAMPLES, Unfit, check_divisor, draw_targets, layer, make_optimizer, quantised,
                      require, rounded, sample_losses, title)

VARIANCE_MINIMUM = 0.02
DROPOUT_STREAM = 5
MASK = 2 ** 32 - 1


def philox(counter, key):
    """Salmon et al. 2011: ten rounds on four words."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & MASK, (p0 >> 32) ^ c3 ^ k1, p0 & MASK
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return c0, c1, c2, c3


def dropout_mask(seed, epoch, step, index, rows, units, rate):
    panels = (units + 7) // 8
    mask = torch.zeros(rows, units)
    for r in range(rows):
        for c in range(units):
            block = ((r // 2) * panels + c // 8) * 4 + c % 4
            words = philox((block, step, epoch, DROPOUT_STREAM | index << 8), (seed & MASK, seed >> 32))
            word = words[2 * (r % 2) + (c // 4) % 2]
            mask[r, c] = 0 if word < round(rate * 2 ** 32) else 1 / (1 - rate)
    return mask


def run(case, attempt):
    rng = random.Random(f"{case['name']} {attempt}")
    layers = case["layers"]
    loss = case["loss"]
    width = case["inputCount"]
    initial = []
    for spec in layers:
        if spec["kind"] == "dense":
            reach = 1.5 / width ** 0.5
            tensors = {"weights": [quantised(rng, -reach, reach) for _ in range(width * spec["units"])]}
            width = spec["units"]
            if spec.get("bias", True):
                tensors["biases"] = [quantised(rng, -0.25, 0.25) for _ in range(width)]
            if spec["activation"]["name"] == "prelu":
                tensors["slopes"] = [0.25] * width
        elif spec["kind"] == "dropout":
            tensors = {}
        else:
            tensors = {"gain": [quantised(rng, 0.5, 1.5) for _ in range(width)], "shift": [quantised(rng, -0.25, 0.25) for _ in range(width)]}
            if spec["kind"] == "batchNorm":
                tensors["runningMean"] = [quantised(rng, -0.25, 0.25) for _ in range(width)]
                tensors["runningVariance"] = [quantised(rng, 0.5, 1.5) for _ in range(width)]
        initial.append(tensors)
    outputs = width
    kind = "indices" if case["classIndices"] else "numbers"
    inputs = [quantised(rng, -2, 2) for _ in range(SAMPLES * case["inputCount"])]
    targets = draw_targets(rng, loss, outputs, kind)
    sample_weights = [rng.randrange(1, 9) / 4 for _ in range(SAMPLES)] if case.get("weighted") else None

    x = torch.tensor(inputs).reshape(SAMPLES, -1)
    t = torch.tensor(targets) if kind == "indices" else torch.tensor(targets).reshape(SAMPLES, outputs)
    w = torch.tensor(sample_weights) if sample_weights else torch.ones(SAMPLES)
    params = []
    trainable = []
    width = case["inputCount"]
    for spec, tensors in zip(layers, initial):
        made = {key: torch.tensor(values) for key, values in tensors.items()}
        if spec["kind"] == "dense":
            made["weights"] = made["weights"].reshape(spec["units"], width)
            width = spec["units"]
        if spec.get("trainable", True):
            for key, value in made.items():
                if not key.startswith("running"):
                    value.requires_grad_(True)
                    trainable.append(value)
        params.append(made)
    optimizer = make_optimizer(case["optimizer"], trainable)
    clip = case.get("gradientClip")

    losses = []
    clipped = False
    for epoch in range(case["epochs"]):
        for step, start in enumerate(range(0, SAMPLES, case["batchSize"])):
            part = slice(start, min(start + case["batchSize"], SAMPLES))
            a = z = x[part]
            rows = len(a)
            for index, (spec, tensors) in enumerate(zip(layers, params)):
                if spec["kind"] == "dense":
                    z = F.linear(a, tensors["weights"], tensors.get("biases"))
                    function, kinks = ACTIVATIONS[spec["activation"]["name"]]
                    for kink in kinks:
                        require((z - kink).abs().min(), KINK_MARGIN, "z at a kink")
                    a = function(z, spec["activation"], tensors.get("slopes"))
                elif spec["kind"] == "dropout":
                    a = a * dropout_mask(case["seed"], epoch + 1, step, index, rows, a.shape[1], spec["rate"])
                elif spec["kind"] == "batchNorm":
                    own = rows > 1
                    if own:
                        require(a.var(0, unbiased=False).min(), VARIANCE_MINIMUM, "variance of a column")
                    a = F.batch_norm(a, tensors["runningMean"], tensors["runningVariance"], tensors["gain"], tensors["shift"], own,
                                     spec.get("momentum", 0.1), spec.get("epsilon", 1e-5))
                else:
                    require(a.var(1, unbiased=False).min(), VARIANCE_MINIMUM, "variance of a row")
                    a = F.layer_norm(a, a.shape[1:], tensors["gain"], tensors["shift"], spec.get("epsilon", 1e-5))
            last = layers[-1]
            output = last["activation"]["name"] if last["kind"] == "dense" else "linear"
            each = sample_losses(loss, output, z, a, t[part], t[part] if kind == "indices" else None)
            total = (w[part] * each).sum() / w[part].sum()
            for spec, tensors in zip(layers, params):
                if spec.get("l2"):
                    total = total + spec["l2"] * (tensors["weights"] ** 2).sum()
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
    if not all(abs(v) < 50 for tensors in final for values in tensors.values() for v in values):
        raise Unfit("diverges")
    return {
        **{k: v for k, v in case.items() if k != "weighted"}, "attempt": attempt, "inputs": inputs, "targets": targets,
        **({"sampleWeights": sample_weights} if sample_weights else {}), "initial": initial, "losses": losses, "final": final,
    }


def dense(units, activation, **options):
    return {"kind": "dense", **layer(units, activation, **options)}


def dropout(rate):
    return {"kind": "dropout", "rate": rate}


def batch_norm(**options):
    return {"kind": "batchNorm", **options}


def layer_norm(**options):
    return {"kind": "layerNorm", **options}


NETWORKS = {
    "dropout": [dense(11, "tanh"), dropout(0.25), dense(6, "relu"), dropout(0.375), dense(3, "linear")],
    "dropout first and last": [dropout(0.125), dense(9, "softplus"), dropout(0.5), dense(3, "linear"), dropout(0.25)],
    "batchNorm": [dense(7, "linear", bias=False), batch_norm(), dense(6, "tanh"), batch_norm(momentum=0.5, epsilon=0.001), dense(3, "softmax")],
    "batchNorm first and last": [batch_norm(), dense(9, "silu"), dense(3, "linear", bias=False), batch_norm(momentum=0.25)],
    "layerNorm": [dense(7, "gelu"), layer_norm(), dense(9, "tanh"), layer_norm(epsilon=0.01), dense(3, "softmax")],
    "layerNorm first and last": [layer_norm(), dense(9, "prelu"), dense(5, "linear"), layer_norm()],
    "all": [batch_norm(), dropout(0.125), dense(10, "silu"), batch_norm(), dropout(0.25), dense(8, "tanh"), layer_norm(), dense(3, "linear")],
    "frozen and penalised": [dense(8, "tanh", l2=0.03125), batch_norm(), dense(9, "gelu", trainable=False), layer_norm(), dropout(0.25), dense(3, "softmax", l2=0.0625)],
}

OPTIMIZERS = [
    {"name": "sgd", "learningRate": 0.0625},
    {"name": "sgd", "learningRate": 0.03125, "momentum": 0.9, "nesterov": True},
    {"name": "rmsprop", "learningRate": 0.005, "momentum": 0.5},
    {"name": "adagrad", "learningRate": 0.02},
    {"name": "adam", "learningRate": 0.01},
    {"name": "adamw", "learningRate": 0.01, "weightDecay": 0.25},
    {"name": "nadam", "learningRate": 0.01},
    {"name": "lion", "learningRate": 0.002, "weightDecay": 0.25},
]


def cases():
    number = 0
    for name, layers in NETWORKS.items():
        variants = [(optimizer, {}) for optimizer in OPTIMIZERS]
        variants += [(OPTIMIZERS[4], {"weighted": True}), (OPTIMIZERS[0], {"gradientClip": {"norm": 0.25}}), (OPTIMIZERS[1], {"gradientClip": {"value": 0.03125}, "weighted": True})]
        for optimizer, options in variants:
            number += 1
            batch_size = 5 if number % 2 else 4
            softmax = layers[-1]["kind"] == "dense" and layers[-1]["activation"]["name"] == "softmax"
            words = "".join([f", clipped by {next(iter(options['gradientClip']))}" if "gradientClip" in options else "", ", sample weights" if "weighted" in options else ""])
            yield {
                "name": f"{name}, {title(optimizer)}{words}", "inputCount": 6, "layers": layers, "loss": {"name": "crossEntropy" if softmax else "meanSquaredError"},
                "optimizer": optimizer, "batchSize": batch_size, "epochs": 4, "classIndices": softmax, "seed": 5 * 2 ** 40 + number, **options,
            }


def main():
    made = []
    for case in cases():
        for attempt in range(1, 3000):
            try:
                made.append(run(case, attempt))
                break
            except Unfit:
                continue
        else:
            raise SystemExit(f"{case['name']}: no attempt is well conditioned")
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "layers.json")
    with open(path, "w") as file:
        header = {"generator": "python3 test/golden/layers.py", "torch": torch.__version__, "dtype": "float64"}
        lines = ",\n".join(json.dumps(rounded(one), separators=(",", ":")) for one in made)
        file.write(json.dumps(header, separators=(",", ":"))[:-1] + ',"cases":[\n' + lines + "\n]}\n")
    print(f"layers.json: {len(made)} cases")


if __name__ == "__main__":
    main()
