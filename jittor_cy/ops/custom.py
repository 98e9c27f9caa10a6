"""jt.code: a user's own kernel, C++ source in, Vars out, with its own gradient."""

from __future__ import annotations

import copy
import ctypes
import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jittor_cy import _graph
from jittor_cy._var import Var
from jittor_cy.config import flags
from jittor_cy.errors import ArgumentError, ArgumentTypeError, CompileError
from jittor_cy.ops._rules import as_var, sizes

__all__ = ["code"]

C_TYPES = {
    "bool": "bool",
    "uint8": "unsigned char",
    "int8": "signed char",
    "int16": "short",
    "int32": "int",
    "int64": "long long",
    "uint16": "unsigned short",
    "uint32": "unsigned",
    "uint64": "unsigned long long",
    "float16": "unsigned short",
    "bfloat16": "unsigned short",
    "float32": "float",
    "float64": "double",
}
COMPILE_FLAGS = ("-std=c++17", "-O2", "-fPIC", "-shared", "-ffp-contract=off", "-fwrapv", "-fno-strict-aliasing")
COMPILE_LIMIT_S = 120  # a compiler that takes longer is stopped

PRELUDE = """
union KernelScalar { double f; long long i; };
struct CodeTensor { void* data; long long ndim; const long long* shape; };
"""
ENTRIES: dict[str, int] = {}  # hash of the text → number of the entry point
LIBRARIES: list[ctypes.CDLL] = []  # loaded for the life of the process


def code(
    shape: Any,
    dtype: Any,
    inputs: Sequence[Var] = (),
    cpu_src: str = "",
    cpu_grad_src: Any = (),
    cpu_header: str = "",
    data: Mapping[str, float] | None = None,
) -> Any:
    """Outputs of your own C++ kernel.

    The source is the body of a function that fills the outputs; Jittor's notation is understood: @in0(i, j) is an
    element of input 0, @out(i) or @out0(i) of an output, in0_shape0 an extent, in0_stride0 a stride in elements, in0_p
    the pointer, in0_type the element type, data["name"] a number from `data` (a changed number compiles nothing).
    @alias(name, in0) gives another name. In the sources of gradients @dout0(i) (@dout) is the gradient of an output,
    @pout0(i) (@pout) the output, and @out0(i) (@out) the gradient to be filled in.

    Args:     shape, dtype: of the output, or lists of them
              cpu_grad_src: a source for each input, "" where there is no gradient
              cpu_header: what stands before the function: includes, helpers
    Raises:   CompileError: the numbered line and the first diagnostic
    Cost:     the kernel runs on one thread, and is not fused; compiled at the first use, then kept on disk
    Example:  >>> x = jt.arange(3).float()
              >>> src = "for (int i = 0; i < in0_shape0; i++) @out(i) = @in0(i) * @in0(i);"
              >>> jt.code(x.shape, x.dtype, [x], cpu_src=src).tolist()
              [0.0, 1.0, 4.0]
    """
    several = isinstance(dtype, (list, tuple))
    shapes = [sizes((s,), "code") for s in shape] if several else [sizes((shape,), "code")]
    dtypes = list(dtype) if several else [dtype]
    if len(shapes) != len(dtypes):
        raise ArgumentError(f"code: {len(shapes)} shapes for {len(dtypes)} dtypes")
    if not cpu_src:
        raise ArgumentError("code: cpu_src is empty", help="give the body of a C++ function")
    values = [as_var(x, "code", f"input {i}") for i, x in enumerate(inputs)]
    gradients = [cpu_grad_src] if isinstance(cpu_grad_src, str) else list(cpu_grad_src)
    call = Call(shapes, dtypes, [f"in{i}" for i in range(len(values))], cpu_src, cpu_header, dict(data or {}))
    callback = None
    if any(gradients):
        if len(gradients) != len(values):
            raise ArgumentError(
                f"code: {len(gradients)} sources of gradients for {len(values)} inputs",
                help='give "" where there is none',
            )
        callback = Gradient(call, [copy.copy(x) for x in values], gradients)
    outputs = call.run(values, callback)
    return outputs if several else outputs[0]


class Call:
    """One kernel: shapes and dtypes of the outputs, names of the inputs, source."""

    def __init__(
        self,
        shapes: list[tuple[int, ...]],
        dtypes: list[Any],
        names: list[str],
        source: str,
        header: str,
        data: dict[str, float],
    ) -> None:
        self.shapes, self.dtypes, self.names, self.source, self.header, self.data = (
            shapes,
            dtypes,
            names,
            source,
            header,
            data,
        )

    def run(self, inputs: Sequence[Var], callback: Any = None) -> list[Var]:
        number = entry(self.text(inputs), "code")
        return _graph.code(inputs, number, [float(v) for v in self.data.values()], self.shapes, self.dtypes, callback)

    def text(self, inputs: Sequence[Var]) -> str:
        """The whole translation unit."""
        body = self.source
        names = {name: name for name in self.names}
        outs = [f"out{i}" for i in range(len(self.shapes))]
        names |= {out: out for out in outs}
        for plain in ("out", "dout", "pout"):
            if f"{plain}0" in names and f"{plain}1" not in names:
                names[plain] = f"{plain}0"
        for alias, of in re.findall(r"@alias\(\s*(\w+)\s*,\s*(\w+)\s*\)\s*;?", body):
            names[alias] = names.get(of, of)
        body = re.sub(r"@alias\(.*?\)\s*;?", "", body)
        for i, key in enumerate(self.data):
            body = re.sub(rf"data\[\s*[\"']{re.escape(key)}[\"']\s*\]", f"scalars[{i}].f", body)
        lines = [
            declare(name, str(x.dtype), x.ndim, "inputs", i)
            for i, (name, x) in enumerate(zip(self.names, inputs, strict=True))
        ]
        lines += [
            declare(name, canonical(dtype), len(shape), "outputs", i)
            for i, (name, dtype, shape) in enumerate(zip(outs, self.dtypes, self.shapes, strict=True))
        ]
        lines += [
            f"  const auto {alias}_p = {name}_p; using {alias}_type = {name}_type;"
            for alias, name in names.items()
            if alias != name
        ]
        ranks = {name: x.ndim for name, x in zip(self.names, inputs, strict=True)} | {
            name: len(shape) for name, shape in zip(outs, self.shapes, strict=True)
        }
        body = expand(
            shapes_of_aliases(body, names), {alias: (name, ranks.get(name, 0)) for alias, name in names.items()}
        )
        return (
            f'{PRELUDE}{self.header}\nextern "C" void jt_code(const CodeTensor* inputs, const CodeTensor* outputs, '
            "const KernelScalar* scalars) {\n" + "\n".join(lines) + f"\n{body}\n}}\n"
        )


def canonical(dtype: Any) -> str:
    from jittor_cy._convert import canonical_dtype

    return str(canonical_dtype(dtype, "code"))


def declare(name: str, dtype: str, ndim: int, group: str, i: int) -> str:
    """Pointer, type, extents and strides of one operand."""
    constant = "const " if group == "inputs" else ""
    pointer = f"{constant}{name}_type*"
    out = f"  using {name}_type = {C_TYPES[dtype]}; {pointer} {name}_p = ({pointer}){group}[{i}].data;"
    out += "".join(f" const long long {name}_shape{d} = {group}[{i}].shape[{d}];" for d in range(ndim))
    stride = "1"
    for d in reversed(range(ndim)):
        out += f" const long long {name}_stride{d} = {stride};"
        stride = f"{name}_stride{d} * {name}_shape{d}"
    return out + f" const long long {name}_num = {stride};"


def shapes_of_aliases(body: str, names: Mapping[str, str]) -> str:
    """alias_shape0 → name_shape0."""
    for alias, name in names.items():
        if alias != name:
            body = re.sub(rf"\b{alias}_(shape|stride)(\d+)\b", rf"{name}_\1\2", body)
    return body


def expand(body: str, operands: Mapping[str, tuple[str, int]]) -> str:
    """@in0(i, j) → in0_p[(i) * in0_stride0 + (j) * in0_stride1]."""
    out, at = [], 0
    while (found := re.compile(r"@(\w+)\s*\(").search(body, at)) is not None:
        out.append(body[at : found.start()])
        name = found[1]
        if name not in operands:
            raise ArgumentError(
                f"code: @{name} names nothing", help=f"there are {', '.join('@' + n for n in operands)}"
            )
        arguments, at = split_arguments(body, found.end())
        real, ndim = operands[name]
        if len(arguments) != ndim and not (ndim == 0 and arguments == ["0"]):
            raise ArgumentError(f"code: @{name} takes {ndim} indices, found {len(arguments)}: {', '.join(arguments)}")
        indices = [f"({expand(a, operands)}) * {real}_stride{d}" for d, a in enumerate(arguments[:ndim])]
        out.append(f"{real}_p[{' + '.join(indices) or '0'}]")
    return "".join(out) + body[at:]


def split_arguments(body: str, at: int) -> tuple[list[str], int]:
    """Arguments of a call whose bracket opened just before `at`; and the position behind its end."""
    depth, parts, start = 1, [], at
    for i in range(at, len(body)):
        if body[i] in "([{":
            depth += 1
        elif body[i] in ")]}":
            depth -= 1
        if depth == 0 or (depth == 1 and body[i] == ","):
            parts.append(body[start:i].strip())
            start = i + 1
        if depth == 0:
            return [p for p in parts if p] or [], i + 1
    raise ArgumentError(f"code: a bracket is not closed: {body[at - 8 : at + 40]!r}")


class Gradient:
    """What the sweep calls: runs the source of each input's gradient. Holds the inputs, never the outputs (a cycle)."""

    def __init__(self, call: Call, inputs: list[Var], sources: list[str]) -> None:
        self.call, self.inputs, self.sources = call, inputs, sources

    def __call__(self, cotangents: Sequence[Var | None]) -> list[Var | None]:
        shapes, dtypes = self.call.shapes, self.call.dtypes
        douts = [
            _graph.full(shape, dtype, 0) if dy is None else dy
            for dy, shape, dtype in zip(cotangents, shapes, dtypes, strict=True)
        ]
        names = [*self.call.names, *(f"dout{i}" for i in range(len(douts)))]
        operands = [*self.inputs, *douts]
        if any("pout" in source for source in self.sources):
            names += [f"pout{i}" for i in range(len(douts))]
            operands += self.call.run(self.inputs)
        return [
            Call([x.shape], [x.dtype], names, source, self.call.header, self.call.data).run(operands)[0]
            if source
            else None
            for x, source in zip(self.inputs, self.sources, strict=True)
        ]


def entry(text: str, name: str) -> int:
    """The number of the compiled entry point; from this process, the disk cache or the compiler."""
    compiler = flags.cc or shutil.which("g++") or ""
    key = hashlib.sha256("\0".join([text, compiler, *COMPILE_FLAGS]).encode()).hexdigest()
    if key not in ENTRIES:
        library = ctypes.CDLL(str(compiled(text, key, compiler)))
        LIBRARIES.append(library)
        address = ctypes.cast(library.jt_code, ctypes.c_void_p).value
        if address is None:
            raise ArgumentTypeError("code: the compiled library has no entry point")
        ENTRIES[key] = _graph.register_code(name, address)
    return ENTRIES[key]


def compiled(text: str, key: str, compiler: str) -> Path:
    """The shared object of a source."""
    from jittor_cy.compiler.toolchain.gcc import compiler as shared_compiler
    from jittor_cy.compiler.toolchain.gcc import failure_text

    cache = shared_compiler().disk_cache()
    if found := cache.find(key):
        return found
    if not compiler:
        raise CompileError("code: no C++ compiler on this machine", help="install g++, or name a compiler with JTCY_CC")
    folder = Path(tempfile.mkdtemp(prefix="jtcy_code_"))
    source, library = folder / "code.cpp", folder / "code.so"
    source.write_text(text)
    done = subprocess.run(
        [compiler, "-x", "c++", *COMPILE_FLAGS, str(source), "-o", str(library)],
        capture_output=True,
        text=True,
        check=False,
        timeout=COMPILE_LIMIT_S,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        raise CompileError(f"code: the source does not compile\n{failure_text(source, text, done.stderr)}")
    return cache.insert([key], library, text) or library
