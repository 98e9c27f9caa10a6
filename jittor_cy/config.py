"""Every setting: name, type, default, meaning; as attribute, environment variable, `with` block or decorator."""

from __future__ import annotations

import difflib
import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from jittor_cy.errors import ArgumentError, ArgumentTypeError

__all__ = ["Flags", "SETTINGS", "Setting", "SettingRefused", "flags", "parse_nbytes", "trace_channels", "trace_level"]

Function = TypeVar("Function", bound=Callable[..., Any])

UNITS = {
    "": 1,
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
    "TIB": 2**40,
    "K": 2**10,
    "M": 2**20,
    "G": 2**30,
}


def parse_nbytes(value: int | float | str, function: str = "flags") -> int:
    """A number of bytes from 300, "300MiB" or "1.5 GB"."""
    if isinstance(value, (int, float)):
        return int(value)
    text = value.strip().replace("_", "")
    number = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
    unit = text[len(number) :].strip().upper()
    try:
        return int(float(number) * UNITS[unit])
    except (KeyError, ValueError):
        raise ArgumentError(
            f"{function}: {value!r} is not a number of bytes", help='write 300, "300MiB" or "1.5GB"'
        ) from None


def parse_bool(value: object) -> bool:
    words = {"1": True, "true": True, "on": True, "yes": True, "0": False, "false": False, "off": False, "no": False}
    if isinstance(value, str):
        if value.strip().lower() not in words:
            raise ValueError(value)
        return words[value.strip().lower()]
    if isinstance(value, (bool, int)):
        return bool(value)
    raise ValueError(value)


def parse_int(value: object) -> int:
    if isinstance(value, float) and value != int(value):
        raise ValueError(value)
    return int(value)  # type: ignore[call-overload]


def parse_debug(value: object) -> int | str:
    """A level, or a level and channels: 3, "3" or "3,fuse,plan"."""
    if isinstance(value, (bool, int)):
        return int(value)
    text = str(value).strip()
    level, _, channels = text.partition(",")
    int(level)
    return text if channels else int(level)


class SettingRefused(Exception):
    """A listener said why a value cannot be had here, and the program goes on without it: the setting stays."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `parse` turns an environment variable or an assigned value into the stored one.

    `off`: the value without the optimisation that the setting switches; None: it switches none.
    """

    name: str
    parse: Callable[[Any], Any]
    accepts: str
    default: Any
    doc: str
    off: Any = None


SETTINGS = (
    Setting("fuse", parse_bool, "a bool", True, "Put several operations into one kernel.", off=False),
    Setting(
        "eager", parse_bool, "a bool", False, "Run every operation at once, unfused; errors come at the user's line."
    ),
    Setting("interpret", parse_bool, "a bool", False, "Never use compiled kernels.", off=True),
    Setting(
        "wait_for_kernels",
        parse_bool,
        "a bool",
        False,
        "Wait for a kernel's compile instead of interpreting meanwhile.",
        off=True,
    ),
    Setting(
        "plan_cache",
        parse_bool,
        "a bool",
        True,
        "Look Programs up by their Signature; off: compile each flush.",
        off=False,
    ),
    Setting(
        "compile_at_once",
        parse_bool,
        "a bool",
        False,
        "Compile a structure when it is first met, not behind its first run.",
        off=True,
    ),
    Setting(
        "plan_store",
        parse_bool,
        "a bool",
        True,
        "Keep Programs on disk, beside kernels, for later processes.",
        off=False,
    ),
    Setting(
        "verify",
        parse_bool,
        "a bool",
        False,
        "Check the invariants of graphs, IR and plans; compiler errors are raised.",
    ),
    Setting("window_ops", parse_int, "an int", 4096, "Pending operations at which a flush is made."),
    Setting(
        "window_nbytes", parse_nbytes, 'bytes or "4GiB"', 2**32, "Pending bytes of results at which a flush is made."
    ),
    Setting(
        "huge_pages",
        parse_bool,
        "a bool",
        True,
        "Ask for huge pages when memory is taken from the system, and make them while kernels are compiled.",
        off=False,
    ),
    Setting(
        "fused_attention",
        parse_bool,
        "a bool",
        True,
        "Attention as one kernel without the matrix of scores; off: products and a softmax.",
        off=False,
    ),
    Setting(
        "rewrites",
        parse_bool,
        "a bool",
        True,
        "Sums of products of broadcast or reindexed values become contractions, products around a softmax attention, "
        "products with a vector reductions.",
        off=False,
    ),
    Setting(
        "winograd",
        parse_bool,
        "a bool",
        False,
        "Large 3 x 3 convolutions by Winograd's F(4, 3): other bits, 20 to 40 times the rounding error, up to 2 times "
        "as fast (docs/benchmarks.md says where).",
    ),
    Setting("use_cuda", parse_bool, "a bool", False, "Make and run new Vars on the GPU."),
    Setting(
        "managed_memory", parse_bool, "a bool", False, "CUDA memory that the driver moves between host and device."
    ),
    Setting(
        "debug",
        parse_debug,
        'a level or "level,channel,..."',
        0,
        "Trace level: 1 devices and fallbacks, 2 plans and kernels, 3 decisions, 4 IR, 5 source, 6 assembly.",
    ),
    Setting(
        "dump",
        str,
        "a folder",
        "",
        "Write every plan's graph, groups and kernel sources into this folder, with index.txt.",
    ),
    Setting("threads", parse_int, "an int", 0, "Threads that work on a kernel; 0: as many as the process may use."),
    Setting("cache_dir", str, "a folder", "", "Compiled kernels; empty: jittor_cy in XDG_CACHE_HOME or ~/.cache."),
    Setting(
        "cache_size",
        parse_nbytes,
        'bytes or "1GiB"',
        2**30,
        "Size that the kernel cache is trimmed to; 0: no cache on disk.",
        off=0,
    ),
    Setting("compile_jobs", parse_int, "an int", 0, "Compilers at work at the same time; 0: one a core."),
    Setting("isa", str, "avx512, avx2, portable or empty", "", "Instruction set; empty: the best of this machine."),
    Setting(
        "without_passes",
        str,
        'names, as in "stream,prefetch"',
        "",
        "Passes of the compiler to leave out, of those in OPTIONAL of jittor_cy/compiler/pipeline.py.",
    ),
    Setting(
        "autotune",
        parse_bool,
        "a bool",
        False,
        "Time the schedules of each new kernel that keep its bits, take the fastest and remember it on disk.",
    ),
    Setting("cc", str, "a path", "", "The C compiler; empty: gcc where it is found."),
    Setting("budget", parse_nbytes, 'bytes or "300MiB"', 0, "Bound on counted bytes; 0: none."),
    Setting("spill_dir", str, "a folder", "", "Where the spill file is made; empty: the system's temporary folder."),
    Setting("fail_alloc", parse_int, "an int", 0, "The n-th allocation fails (tests); 0: off."),
    Setting("seed", parse_int, "an int", 0, "Seed of the default random generator at the start."),
    Setting("simulate_cuda", parse_bool, "a bool", False, "Serve use_cuda with the simulated GPU."),
)
BY_NAME = {setting.name: setting for setting in SETTINGS}


class Flags:
    """The settings: `jt.flags.fuse = False`, JTCY_FUSE=0, `with jt.flags(fuse=False): ...`, `@jt.flags(fuse=False)`.

    Example:  >>> with jt.flags(fuse=False): jt.flags.fuse
              False
    """

    __slots__ = ("__weakref__", "_listeners", "_values")

    def __init__(self) -> None:
        object.__setattr__(self, "_values", {setting.name: setting.default for setting in SETTINGS})
        object.__setattr__(self, "_listeners", {})
        for setting in SETTINGS:
            text = os.environ.get(f"JTCY_{setting.name.upper()}")
            if text is not None:
                self._values[setting.name] = parse(setting, text, f"JTCY_{setting.name.upper()}")

    def __reduce__(self) -> str:
        return "flags"  # there is one

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self._values[name]
        except KeyError:
            raise unknown(name, AttributeError) from None

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in BY_NAME:
            raise unknown(name, AttributeError)
        value = parse(BY_NAME[name], value, f"flags.{name}")
        before = self._values[name]
        self._values[name] = value
        try:
            for listener in self._listeners.get(name, ()):
                listener(value)
        except SettingRefused:
            self._values[name] = before
        except BaseException:
            self._values[name] = before
            raise

    def __call__(self, **values: Any) -> FlagsScope:
        for name in values:
            if name not in BY_NAME:
                raise unknown(name, ArgumentError)
        return FlagsScope(self, values)

    def __dir__(self) -> list[str]:
        return [*BY_NAME]

    def __repr__(self) -> str:
        changed = {n: v for n, v in self._values.items() if v != BY_NAME[n].default}
        return f"flags({', '.join(f'{n}={v!r}' for n, v in changed.items())})"

    def items(self) -> list[tuple[str, Any]]:
        """(name, value) of every setting, in the order of SETTINGS."""
        return list(self._values.items())

    def listen(self, name: str, listener: Callable[[Any], None]) -> None:
        """Call `listener(value)` now and after each change of the setting; SettingRefused leaves it as it was."""
        self._listeners.setdefault(name, []).append(listener)
        try:
            listener(self._values[name])
        except SettingRefused:
            self._values[name] = BY_NAME[name].default


class FlagsScope:
    """Settings for a `with` block or a decorated function; set on entry, put back on exit."""

    def __init__(self, owner: Flags, values: dict[str, Any]) -> None:
        self.owner, self.values, self.before = owner, values, []

    def __enter__(self) -> Flags:
        before: dict[str, Any] = {}
        self.before.append(before)
        try:
            for name, value in self.values.items():
                before_value = getattr(self.owner, name)
                setattr(self.owner, name, value)
                before[name] = before_value
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self.owner

    def __exit__(self, *error: object) -> None:
        for name, value in self.before.pop().items():
            setattr(self.owner, name, value)

    def __call__(self, function: Function) -> Function:
        @functools.wraps(function)
        def with_flags(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return with_flags  # type: ignore[return-value]


def parse(setting: Setting, value: Any, where: str) -> Any:
    try:
        return setting.parse(value)
    except (ValueError, TypeError):
        raise ArgumentTypeError(f"{where}: {value!r} is not {setting.accepts}", help=setting.doc) from None


def unknown(name: str, kind: type[Exception]) -> Exception:
    near = difflib.get_close_matches(name, BY_NAME, n=3)
    help = f"did you mean {', '.join(near)}?" if near else f"settings are {', '.join(BY_NAME)}"
    if kind is AttributeError:
        return AttributeError(f"flags: there is no setting {name!r}\n  help: {help}")
    return kind(f"flags: there is no setting {name!r}", help=help)


def trace_level() -> int:
    """The level in flags.debug."""
    return int(str(flags.debug).partition(",")[0])


def trace_channels() -> str:
    """The comma-separated channels in flags.debug; empty: all."""
    return str(flags.debug).partition(",")[2]


flags = Flags()
