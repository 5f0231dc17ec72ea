#!/usr/bin/python3
"""Writes the golden trajectories of learning-rate schedules and class weights: schedules.json, in the manner of generate.py.

    python3 test/golden/schedules.py           (PyTorch 1.13, scikit-learn; one thread)

The rates are those of torch.optim.lr_scheduler, stepped after each optimizer step (ReduceLROnPlateau after each epoch with its mean loss);
a warm-up multiplies them by (t + 1)/warmupSteps. Class weights are CrossEntropyLoss(weight=…), "balanced" scikit-learn's
compute_class_weight. Sample weights multiply them.
"""

import json
import os
import random

import numpy
import torch
import torch.nn.functional as F
from sklearn.utils.class_weight import compute_class_weight
from torch.optim import lr_scheduler

from generate import CLIP_MARGIN, SAMPLES, Unfit, check_divisor, make_optimizer, quantised, require, rounded, title

OUTPUTS = 3


def scheduler_of(spec, optimizer):
    name = spec["name"]
    if name == "stepDecay":
        return lr_scheduler.StepLR(optimizer, spec["every"], gamma=spec.get("factor", 0.1))
    if name == "exponentialDecay":
        if spec.get("every", 1) == 1:
            return lr_scheduler.ExponentialLR(optimizer, spec["rate"])
        return lr_scheduler.LambdaLR(optimizer, lambda t: spec["rate"] ** (t / spec["every"]))
    if name == "cosineDecay":
        return lr_scheduler.CosineAnnealingLR(optimizer, spec["steps"], eta_min=spec.get("final", 0))
    if name == "oneCycle":
        return lr_scheduler.OneCycleLR(optimizer, spec["max"], total_steps=spec["steps"], pct_start=spec.get("warmupShare", 0.3), cycle_momentum=False,
                                       div_factor=spec.get("divide", 25), final_div_factor=spec.get("finalDivide", 1e4))
    if name == "reduceOnPlateau":
        return lr_scheduler.ReduceLROnPlateau(optimizer, factor=spec.get("factor", 0.1), patience=spec.get("patience", 10), threshold=spec.get("minDelta", 0),
                                              threshold_mode="abs", min_lr=spec.get("minimum", 0), eps=0)
    raise ValueError(name)


def run(case, attempt):
    rng = random.Random(f"{case['name']} {attempt}")
    sizes = (5, 7, OUTPUTS)
    initial = []
    for width, units in zip(sizes, sizes[1:]):
        reach = 1.5 / width ** 0.5
        initial.append({"weights": [quantised(rng, -reach, reach) for _ in range(width * units)], "biases": [quantised(rng, -0.25, 0.25) for _ in range(units)]})
    inputs = [quantised(rng, -2, 2) for _ in range(SAMPLES * sizes[0])]
    classes = [rng.choice([0, 0, 0, 1, 2]) for _ in range(SAMPLES)]
    require(float(len(set(classes)) == OUTPUTS), 1, "all classes")
    sample_weights = [rng.randrange(1, 9) / 4 for _ in range(SAMPLES)] if case.get("weighted") else None
    given = case.get("classWeights")
    if given == "balanced":
        counted = compute_class_weight("balanced", classes=numpy.arange(OUTPUTS), y=numpy.array(classes))
        class_weights = torch.tensor(counted)
    elif given is not None:
        class_weights = torch.tensor(given, dtype=torch.float64)
    else:
        class_weights = torch.ones(OUTPUTS)

    x = torch.tensor(inputs).reshape(SAMPLES, -1)
    t = torch.tensor(classes)
    w = torch.tensor(sample_weights) if sample_weights else torch.ones(SAMPLES)
    params = []
    for (width, units), tensors in zip(zip(sizes, sizes[1:]), initial):
        params.append({"weights": torch.tensor(tensors["weights"]).reshape(units, width).requires_grad_(True), "biases": torch.tensor(tensors["biases"]).requires_grad_(True)})
    trainable = [value for made in params for value in made.values()]
    schedule = case.get("schedule")
    start = schedule.get("initial", schedule.get("max")) if schedule else case["optimizer"]["learningRate"]
    optimizer = make_optimizer({**case["optimizer"], "learningRate": start}, trainable)
    scheduler = scheduler_of(schedule, optimizer) if schedule else None
    plateau = isinstance(scheduler, lr_scheduler.ReduceLROnPlateau)
    smoothing = case.get("labelSmoothing", 0.0)

    losses, rates = [], []
    step = 0
    best = None
    for epoch in range(case["epochs"]):
        numerator = denominator = 0
        for begin in range(0, SAMPLES, case["batchSize"]):
            part = slice(begin, min(begin + case["batchSize"], SAMPLES))
            z = F.linear(torch.tanh(F.linear(x[part], params[0]["weights"], params[0]["biases"])), params[1]["weights"], params[1]["biases"])
            if sample_weights is None and smoothing == 0:
                loss = torch.nn.CrossEntropyLoss(weight=class_weights)(z, t[part])
            else:
                each = F.cross_entropy(z, t[part], reduction="none", label_smoothing=smoothing)
                weight = w[part] * class_weights[t[part]]
                loss = (weight * each).sum() / weight.sum()
            total = (w[part] * class_weights[t[part]]).sum().item()
            numerator += total * loss.item()
            denominator += total
            optimizer.zero_grad()
            loss.backward()
            rate = optimizer.param_groups[0]["lr"]
            warmup = schedule.get("warmupSteps", 0) if schedule else 0
            optimizer.param_groups[0]["lr"] = rate * min(1, (step + 1) / warmup) if warmup else rate
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            check_divisor(optimizer, case["optimizer"]["name"])
            optimizer.param_groups[0]["lr"] = rate
            step += 1
            if scheduler is not None and not plateau and step < case["epochs"] * -(-SAMPLES // case["batchSize"]):
                scheduler.step()
            losses.append(loss.item())
        if plateau:
            mean = numerator / denominator
            # whether an epoch is better must not hang on the last digits
            require(abs(mean - best + schedule.get("minDelta", 0)) if best is not None else 1, CLIP_MARGIN * mean, "loss at the plateau")
            best = mean if best is None or mean < best - schedule.get("minDelta", 0) else best
            scheduler.step(mean)
    if plateau:
        require(float(len(set(rates)) >= 3), 1, "the rate falls twice")
    return {
        **{k: v for k, v in case.items() if k != "weighted"}, "attempt": attempt, "inputs": inputs, "targets": classes,
        **({"sampleWeights": sample_weights} if sample_weights else {}), "initial": initial, "losses": losses, "rates": rates,
        "final": [{key: value.detach().flatten().tolist() for key, value in made.items()} for made in params],
    }


SCHEDULES = [
    {"name": "stepDecay", "initial": 0.125, "every": 4},
    {"name": "stepDecay", "initial": 0.125, "factor": 0.5, "every": 3, "warmupSteps": 5},
    {"name": "exponentialDecay", "initial": 0.125, "rate": 0.9},
    {"name": "exponentialDecay", "initial": 0.125, "rate": 0.5, "every": 5, "warmupSteps": 4},
    {"name": "cosineDecay", "initial": 0.125, "steps": 24},
    {"name": "cosineDecay", "initial": 0.125, "steps": 30, "final": 0.015625, "warmupSteps": 6},
    {"name": "oneCycle", "max": 0.25, "steps": 24},
    {"name": "oneCycle", "max": 0.25, "steps": 24, "warmupShare": 0.5, "divide": 10, "finalDivide": 100},
    {"name": "reduceOnPlateau", "initial": 1, "factor": 0.5, "patience": 0},
    {"name": "reduceOnPlateau", "initial": 0.5, "factor": 0.25, "patience": 1, "minDelta": 0.0625, "minimum": 0.0625, "warmupSteps": 3},
]
OPTIMIZERS = [{"name": "sgd", "momentum": 0.5}, {"name": "adam"}, {"name": "adamw", "weightDecay": 0.25}]


def cases():
    number = 0
    for schedule in SCHEDULES:
        for optimizer in OPTIMIZERS if schedule["name"] != "reduceOnPlateau" else OPTIMIZERS[:1]:
            number += 1
            # adaptive optimizers at a tenth of the rate
            scale = 1 if optimizer["name"] == "sgd" else 0.125
            scaled = {k: v * scale if k in ("initial", "max", "final") else v for k, v in schedule.items()}
            yield {"name": f"{title(scaled)}, {title(optimizer)}", "optimizer": optimizer, "schedule": scaled, "batchSize": 4, "epochs": 8 if schedule["name"] == "reduceOnPlateau" else 6}
    sgd = {"name": "sgd", "learningRate": 0.125}
    adam = {"name": "adam", "learningRate": 0.0078125}
    for optimizer in (sgd, adam):
        for weights in ("balanced", [0.5, 2, 1.25]):
            for options in ({}, {"weighted": True}, {"labelSmoothing": 0.125, "weighted": True}):
                words = f"{', sample weights' if 'weighted' in options else ''}{', label smoothing' if 'labelSmoothing' in options else ''}"
                shown = weights if weights == "balanced" else "given"
                yield {"name": f"class weights {shown}{words}, {title(optimizer)}", "optimizer": optimizer, "classWeights": weights, "batchSize": 5, "epochs": 5, **options}


def main():
    made = []
    for case in cases():
        refusals = {}
        for attempt in range(2000):
            try:
                made.append(run(case, attempt))
                break
            except Unfit as unfit:
                refusals[str(unfit)] = refusals.get(str(unfit), 0) + 1
        else:
            raise SystemExit(f"{case['name']}: no attempt is well conditioned: {refusals}")
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "schedules.json")
    with open(path, "w") as file:
        header = {"generator": "python3 test/golden/schedules.py", "torch": torch.__version__, "dtype": "float64"}
        lines = ",\n".join(json.dumps(rounded(one), separators=(",", ":")) for one in made)
        file.write(json.dumps(header, separators=(",", ":"))[:-1] + ',"cases":[\n' + lines + "\n]}\n")
    print(f"schedules.json: {len(made)} cases")


if __name__ == "__main__":
    main()
