"""Writes networks.json: what PyTorch makes of a network that this library saved, and a file with PyTorch's weights that this library loads.

    node --input-type=module -e '…' > saved.safetensors     (see test/pytorch.test.ts: the network of `create`)
    python3 test/golden-pytorch/generate.py saved.safetensors

PyTorch 1.13. Where the package safetensors is at hand, load_file, safe_open and save_file take the place of `read` and `write`, which do the same.
"""

import base64
import json
import os
import struct
import sys

import torch
from torch import nn


def read(path):
    data = open(path, "rb").read()
    length, = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    metadata = header.pop("__metadata__")
    tensors = {name: torch.frombuffer(bytearray(data[8 + length + begin:8 + length + end]), dtype=torch.float32).reshape(entry["shape"])
               for name, entry in header.items() for begin, end in [entry["data_offsets"]]}
    return tensors, metadata


def write(tensors, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name, tensor in sorted(tensors.items()):
        raw = tensor.detach().numpy().astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


class Flat(nn.Sequential):
    """nn.Sequential whose parameters have the names of the file: layers.0.weight, …"""


model = Flat(nn.Linear(4, 6), nn.PReLU(6), nn.Linear(6, 6), nn.BatchNorm1d(6), nn.Linear(6, 5), nn.GELU(), nn.LayerNorm(5), nn.Linear(5, 3), nn.Softmax(dim=1)).eval()
# layer of the file → (module, {tensor of the file: parameter of the module})
names = {
    "layers.0.weight": "0.weight", "layers.0.bias": "0.bias", "layers.0.slope": "1.weight", "layers.1.weight": "2.weight", "layers.1.bias": "2.bias",
    "layers.2.gain": "3.weight", "layers.2.shift": "3.bias", "layers.2.runningMean": "3.running_mean", "layers.2.runningVariance": "3.running_var",
    "layers.3.weight": "4.weight", "layers.3.bias": "4.bias", "layers.4.gain": "6.weight", "layers.4.shift": "6.bias", "layers.5.weight": "7.weight", "layers.5.bias": "7.bias",
}
path = sys.argv[1]
tensors, metadata = read(path)
assert set(tensors) == set(names), set(tensors) ^ set(names)
model.load_state_dict({names[name]: tensor for name, tensor in tensors.items()}, strict=False)
torch.manual_seed(1)
x = torch.randn(6, 4)
there = model(x)
with torch.no_grad():
    for name, parameter in [*model.named_parameters(), *model.named_buffers()]:
        if parameter.dtype == torch.float32:
            parameter.copy_(torch.randn(parameter.shape).abs() + 0.2 if "running_var" in name else torch.randn(parameter.shape) * 0.7)
state = model.state_dict()
back = write({name: state[key] for name, key in names.items()}, {**metadata, "format": "pt"})
with open(os.path.join(os.path.dirname(__file__), "networks.json"), "w") as out:
    json.dump({
        "saved": base64.b64encode(open(path, "rb").read()).decode(), "inputs": x.flatten().tolist(), "outputs": there.flatten().tolist(),
        "back": base64.b64encode(back).decode(), "backOutputs": model(x).flatten().tolist(),
    }, out)
    out.write("\n")
