"""save and load: nested dicts and lists of Vars in one file; safetensors and torch's state dicts by name."""

from __future__ import annotations

import json
import pickle
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jittor_cy import _graph
from jittor_cy._var import Var
from jittor_cy.errors import ArgumentError, ArgumentTypeError
from jittor_cy.ops.creation import array

__all__ = ["load", "load_safetensors", "save", "save_safetensors"]

MAGIC = b"jittor_cy\x01"
SAFE_NAMES = {
    "bool": "BOOL",
    "uint8": "U8",
    "int8": "I8",
    "int16": "I16",
    "int32": "I32",
    "int64": "I64",
    "uint16": "U16",
    "uint32": "U32",
    "uint64": "U64",
    "float16": "F16",
    "bfloat16": "BF16",
    "float32": "F32",
    "float64": "F64",
}
PLAIN = (bool, int, float, str, bytes, type(None))


def save(value: Any, path: Any) -> None:
    """Writes Vars, arrays, numbers and strings in nested dicts, lists and tuples; a .safetensors path in that format.

    The file is written beside its place and then moved there: an interrupted save leaves the old one whole.

    Example:  >>> jt.save({"w": jt.ones(2)}, path)
              >>> jt.load(path)["w"].tolist()
              [1.0, 1.0]
    """
    path = Path(path)
    if path.suffix == ".safetensors":
        return save_safetensors(value, path)
    beside = path.with_name(path.name + ".partial")
    with beside.open("wb") as file:
        file.write(MAGIC)
        pickle.dump(packed(value), file, protocol=4)
    beside.replace(path)
    return None


def packed(value: Any) -> Any:
    """The same nesting of plain values; Vars and arrays as ("array", dtype, shape, bytes)."""
    if isinstance(value, Var):
        data = bits_of(value)
        return ("var", str(value.dtype), tuple(value.shape), data)
    if isinstance(value, (np.ndarray, np.generic)):
        return ("array", np.asarray(value).dtype.str, np.shape(value), np.ascontiguousarray(value).tobytes())
    if isinstance(value, Mapping):
        return ("dict", [(packed(k), packed(v)) for k, v in value.items()])
    if isinstance(value, (list, tuple)):
        return ("list" if isinstance(value, list) else "tuple", [packed(v) for v in value])
    if isinstance(value, PLAIN):
        return ("plain", value)
    raise ArgumentTypeError(
        f"save: {type(value).__name__} cannot be saved", help="Vars, arrays, numbers, strings, dicts and lists can"
    )


def bits_of(x: Var) -> bytes:
    """The elements in row-major order, little-endian."""
    values = x.numpy()
    if x.dtype == "bfloat16":
        values = (np.ascontiguousarray(values).view(np.uint32) >> np.uint32(16)).astype(np.uint16)
    return np.ascontiguousarray(values).tobytes()


def var_of(dtype: str, shape: Any, data: bytes) -> Var:
    if dtype == "bfloat16":
        wide = (np.frombuffer(data, np.uint16).astype(np.uint32) << np.uint32(16)).view(np.float32)
        return _graph.cast(array(wide.reshape(shape)), "bfloat16")
    return array(np.frombuffer(data, np.dtype(dtype)).reshape(shape))


def unpacked(value: Any) -> Any:
    kind, *rest = value
    if kind == "var":
        return var_of(*rest)
    if kind == "array":
        return np.frombuffer(rest[2], np.dtype(rest[0])).reshape(rest[1]).copy()
    if kind == "dict":
        return {unpacked(k): unpacked(v) for k, v in rest[0]}
    if kind in ("list", "tuple"):
        return (list if kind == "list" else tuple)(unpacked(v) for v in rest[0])
    return rest[0]


class PlainUnpickler(pickle.Unpickler):
    """Reads plain values; refuses to make objects of any class, so that a file cannot run code."""

    def find_class(self, module: str, name: str) -> Any:
        raise ArgumentError(
            f"load: the file wants to make a {module}.{name}, which is refused", help="it was not written by jt.save"
        )


def load(path: Any) -> Any:
    """Reads what save wrote, or a .safetensors file. A file cannot run code."""
    path = Path(path)
    if path.suffix == ".safetensors":
        return load_safetensors(path)
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise ArgumentError(f"load: {path} is not a file of jt.save")
        try:
            return unpacked(PlainUnpickler(file).load())
        except (pickle.UnpicklingError, EOFError, ValueError, TypeError) as error:
            raise ArgumentError(f"load: {path} is damaged: {error}") from error


def save_safetensors(values: Mapping[str, Any], path: Any) -> None:
    """Writes Vars by name in the safetensors format."""
    header: dict[str, Any] = {}
    parts, at = [], 0
    for name, value in values.items():
        x = value if isinstance(value, Var) else array(value)
        data = bits_of(x)
        header[name] = {"dtype": SAFE_NAMES[str(x.dtype)], "shape": list(x.shape), "data_offsets": [at, at + len(data)]}
        parts.append(data)
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    beside = Path(path).with_name(Path(path).name + ".partial")
    with beside.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.writelines(parts)
    beside.replace(path)


def load_safetensors(path: Any) -> dict[str, Var]:
    """Reads Vars by name from a safetensors file."""
    raw = Path(path).read_bytes()
    try:
        length = struct.unpack("<Q", raw[:8])[0]
        header = json.loads(raw[8 : 8 + length])
        names = {short: name for name, short in SAFE_NAMES.items()}
        return {
            name: var_of(names[entry["dtype"]], entry["shape"], raw[8 + length :][slice(*entry["data_offsets"])])
            for name, entry in header.items()
            if name != "__metadata__"
        }
    except (KeyError, ValueError, struct.error) as error:
        raise ArgumentError(f"load: {path} is no safetensors file: {error}") from error
