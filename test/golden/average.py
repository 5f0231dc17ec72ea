#!/usr/bin/python3
"""Writes average.json: small networks trained by PyTorch in float64 with an exponential average of their weights, batches in order.

    python3 test/golden/average.py            (PyTorch 1.13; one thread)

The average is torch.optim.swa_utils.AveragedModel with avg_fn = decay·average + (1 − decay)·parameter, which is what
get_ema_multi_avg_fn(decay) of later versions computes: the first update copies. After each epoch the averaged network's loss on the
validation data is written down. Initial tensors and data are multiples of 2^-8, exact in float32; tanh has no kink.
"""

import json
import os

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.swa_utils import AveragedModel

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


def draw(generator, *shape):
    return torch.randint(-256, 257, shape, generator=generator).double() / 256


def run(name, decay, make_optimizer, optimizer, classes, frozen, epochs, batch, seed):
    generator = torch.Generator().manual_seed(seed)
    sizes, samples, held = (4, 6, 5, 3), 13, 7
    layers = [nn.Linear(a, b) for a, b in zip(sizes, sizes[1:])]
    net = nn.Sequential(layers[0], nn.Tanh(), layers[1], nn.Tanh(), layers[2])
    with torch.no_grad():
        for layer in layers:
            layer.weight.copy_(draw(generator, *layer.weight.shape))
            layer.bias.copy_(draw(generator, *layer.bias.shape) / 2)
    for index in frozen:
        for parameter in layers[index].parameters():
            parameter.requires_grad_(False)
    initial = [{"weights": layer.weight.flatten().tolist(), "biases": layer.bias.tolist()} for layer in layers]
    x, vx = draw(generator, samples, 4) * 2, draw(generator, held, 4) * 2
    if classes:
        t, vt = torch.arange(samples) % 3, torch.arange(held) * 2 % 3
        loss_of = F.cross_entropy
    else:
        t, vt = draw(generator, samples, 3), draw(generator, held, 3)
        loss_of = F.mse_loss
    torch_optimizer = make_optimizer([p for p in net.parameters() if p.requires_grad])
    averaged = AveragedModel(net, avg_fn=lambda average, parameter, _: decay * average + (1 - decay) * parameter)
    losses, validation = [], []
    for _ in range(epochs):
        for begin in range(0, samples, batch):
            torch_optimizer.zero_grad()
            loss = loss_of(net(x[begin:begin + batch]), t[begin:begin + batch])
            loss.backward()
            torch_optimizer.step()
            averaged.update_parameters(net)
            losses.append(loss.item())
        with torch.no_grad():
            validation.append(loss_of(averaged(vx), vt).item())
    final = [{"weights": layer.weight.flatten().tolist(), "biases": layer.bias.tolist()}
             for layer in (averaged.module[0], averaged.module[2], averaged.module[4])]
    return {
        "name": name, "decay": decay, "optimizer": optimizer, "classes": classes, "frozen": frozen, "epochs": epochs, "batchSize": batch,
        "sizes": sizes, "initial": initial, "inputs": x.flatten().tolist(), "targets": t.flatten().tolist(),
        "validationInputs": vx.flatten().tolist(), "validationTargets": vt.flatten().tolist(),
        "losses": losses, "validation": validation, "final": final,
    }


adam = ({"name": "adam", "learningRate": 0.01}, lambda p: torch.optim.Adam(p, lr=0.01))
momentum = ({"name": "sgd", "learningRate": 0.03125, "momentum": 0.75}, lambda p: torch.optim.SGD(p, lr=0.03125, momentum=0.75))
cases = [
    run("decay 0.9, adam", 0.9, adam[1], adam[0], False, [], 5, 5, 1),
    run("decay 0.5, momentum, classes", 0.5, momentum[1], momentum[0], True, [], 4, 4, 2),
    run("decay 0.99, a frozen layer", 0.99, momentum[1], momentum[0], False, [1], 6, 13, 3),
    run("decay 0: the last weights", 0.0, adam[1], adam[0], True, [0], 3, 5, 4),
]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "average.json"), "w") as file:
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    file.write(f'{{"generator":"python3 test/golden/average.py","torch":"{torch.__version__}","dtype":"float64","cases":[\n{lines}\n]}}\n')
