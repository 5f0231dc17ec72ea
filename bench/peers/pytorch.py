"""PyTorch on the processor, one network in a process of its own: the protocol of serve.mjs.

    python3 pytorch.py <network as JSON> <folder>

Threads come from the environment that run.mjs sets (OpenBLAS, OpenMP). Training: Adam, as a plain loop or over lists of tensors
(foreach), whichever is quicker here; batches cut beforehand. Predictions: the traced, frozen module, from and to a numpy array.
"""

import json
import sys
import time

import numpy as np
import torch

network = json.loads(sys.argv[1])
folder = sys.argv[2]
inputs, layers, size, batches = network["inputs"], network["layers"], network["batch"], network["batches"]
outputs = layers[-1][0]
classes = network["loss"] == "crossEntropy"
WARM_UP = 0.4


def uniform(seed, count):
    """The numbers of seeded() in bench/stats.mjs: mulberry32, whose n-th state is seed + n times a constant."""
    state = np.uint32(seed) + np.arange(1, count + 1, dtype=np.uint32) * np.uint32(0x6D2B79F5)
    t = (state ^ (state >> np.uint32(15))) * (state | np.uint32(1))
    t = (t + (t ^ (t >> np.uint32(7))) * (t | np.uint32(61))) ^ t
    return (t ^ (t >> np.uint32(14))).astype(np.float64) / 2**32


def data_of(count):
    """dataOf() in bench/networks.mjs, number for number: the inputs, then two draws a sample for the targets that are random."""
    draws = uniform(count * 8 + int(network["key"][1:]), count * (inputs + 2))
    x = (2 * draws[: count * inputs] - 1).astype(np.float32).reshape(count, inputs)
    chance, drawn = draws[count * inputs :].reshape(count, 2).T
    clean = np.floor((x[:, 0] + 1) / 2 * outputs) if outputs > 1 else (x[:, 0] > 0) != (x[:, 1] > 0)
    y = np.where(chance < 0.1, np.floor(drawn * max(2, outputs)), clean)
    return x, y.astype(np.int64) if outputs > 1 else y.astype(np.float32)[:, None]


def build(with_softmax):
    flat = np.fromfile(folder + "/weights.f32", dtype=np.float32)
    modules, at, width = [], 0, inputs
    for units, activation in layers:
        dense = torch.nn.Linear(width, units)
        with torch.no_grad():
            dense.weight.copy_(torch.from_numpy(flat[at : at + units * width].reshape(units, width)))
            dense.bias.copy_(torch.from_numpy(flat[at + units * width : at + units * (width + 1)]))
        at += units * (width + 1)
        width = units
        modules.append(dense)
        made = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "sigmoid": torch.nn.Sigmoid}.get(activation)
        if made:
            modules.append(made())
        elif activation == "softmax" and with_softmax:
            modules.append(torch.nn.Softmax(dim=1))
    return torch.nn.Sequential(*modules)


def rate_of(unit, samples, ms):
    started = time.perf_counter()
    units = 0
    while True:
        unit()
        units += 1
        elapsed = time.perf_counter() - started
        if elapsed * 1000 >= ms:
            return {"samplesPerSecond": units * samples / elapsed}


def time_calls(call, ms):
    started = time.perf_counter()
    times = []
    while True:
        before = time.perf_counter()
        call()
        now = time.perf_counter()
        times.append(now - before)
        if (now - started) * 1000 >= ms:
            break
    times.sort()
    return {"p50": times[len(times) // 2] * 1e6, "p99": times[int(0.99 * len(times))] * 1e6, "calls": len(times)}


class Training:
    def prepare(self):
        x, y = data_of(size * batches)
        self.cut = [(torch.from_numpy(x[i * size : (i + 1) * size]), torch.from_numpy(y[i * size : (i + 1) * size])) for i in range(batches)]
        self.loss = torch.nn.CrossEntropyLoss() if classes else torch.nn.MSELoss()
        rates = {}
        for foreach in (False, True):
            self.start(foreach)
            before = self.mean_loss()
            for _ in range(max(batches, 8)):
                self.step()
            rates[foreach] = rate_of(self.step, size, WARM_UP * 1000)["samplesPerSecond"]
            after = self.mean_loss()
            if not after < before:
                raise ValueError(f"expected the loss to fall from {before}, got {after}")
        best = max(rates, key=rates.get)
        self.start(best)
        rate_of(self.step, size, WARM_UP * 1000)
        return "foreach Adam" if best else "Adam as a loop"

    def start(self, foreach):
        self.model = build(with_softmax=False)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.001, foreach=foreach)
        self.at = 0

    def mean_loss(self):
        with torch.no_grad():
            return sum(self.loss(self.model(x), y).item() for x, y in self.cut) / batches

    def step(self):
        x, y = self.cut[self.at]
        self.at = (self.at + 1) % batches
        self.optimizer.zero_grad(set_to_none=True)
        self.loss(self.model(x), y).backward()
        self.optimizer.step()

    def time(self, ms):
        return rate_of(self.step, size, ms)


class Prediction:
    def __init__(self, rows):
        self.rows = rows

    def prepare(self):
        self.x = data_of(1024)[0][: self.rows]
        self.model = torch.jit.freeze(torch.jit.trace(build(with_softmax=True).eval(), torch.from_numpy(self.x)))
        for _ in range(4):
            got = self.call()
        expected = np.fromfile(folder + "/expected.f32", dtype=np.float32)[: got.size].reshape(got.shape)
        if not np.all(np.abs(got - expected) <= 1e-5 * np.maximum(1, np.abs(expected))):
            raise ValueError(f"outputs differ from ours by {np.abs(got - expected).max()}")
        rate_of(self.call, self.rows, WARM_UP * 1000)

    def call(self):
        with torch.inference_mode():
            return self.model(torch.from_numpy(self.x)).numpy()

    def time(self, ms):
        return time_calls(self.call, ms) if self.rows == 1 else rate_of(self.call, self.rows, ms)


def answer(message):
    print(json.dumps({**message, "cpu": time.process_time()}), flush=True)


tasks = {"train": Training(), "single": Prediction(1), "batch": Prediction(1024)}
answer({"tasks": list(tasks), "version": torch.__version__})
for line in sys.stdin:
    request = json.loads(line)
    if request.get("end"):
        break
    try:
        task = tasks[request["task"]]
        answer({"note": task.prepare()} if request.get("prepare") else task.time(request["ms"]))
    except Exception as error:  # the parent reports it
        answer({"error": str(error)})
