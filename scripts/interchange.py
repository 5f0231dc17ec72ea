#!/usr/bin/python3
"""Reads a safetensors file, writes its tensors to another, and prints what was read as JSON.

    python3 scripts/interchange.py IN OUT

With the package safetensors where it is installed, else with the ten lines of `read` and those of `write`.
"""

import hashlib
import json
import struct
import sys

import numpy


def read(path):
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(length))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    assert all(entry["dtype"] == "F32" for entry in header.values())
    return metadata, {
        name: numpy.frombuffer(data[slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"]) for name, entry in header.items()
    }


def write(path, metadata, tensors):
    header, begin = {"__metadata__": metadata}, 0
    for name, tensor in sorted(tensors.items()):
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [begin, begin + tensor.nbytes]}
        begin += tensor.nbytes
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(tensor.tobytes() for _, tensor in sorted(tensors.items())))


def main(source, target):
    metadata, tensors = read(source)
    reader = "ten lines of Python"
    try:
        import safetensors
        from safetensors.numpy import save_file
    except ImportError:
        write(target, metadata, tensors)
    else:
        reader = f"safetensors {safetensors.__version__}"
        with safetensors.safe_open(source, "np") as file:
            theirs = {name: file.get_tensor(name) for name in file.keys()}
            assert file.metadata() == metadata
        assert theirs.keys() == tensors.keys()
        assert all(theirs[name].tobytes() == tensor.tobytes() and theirs[name].shape == tensor.shape for name, tensor in tensors.items())
        save_file(theirs, target, metadata)
    found = {name: {"shape": list(tensor.shape), "sha256": hashlib.sha256(tensor.tobytes()).hexdigest()} for name, tensor in sorted(tensors.items())}
    print(json.dumps({"reader": reader, "metadata": metadata, "tensors": found}))


main(*sys.argv[1:])
