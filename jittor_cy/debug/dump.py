"""Generated sources: of the pending graph, and of every kernel into a folder with an index."""
from __future__ import annotations

from pathlib import Path

from jittor_cy import _plan
from jittor_cy._var import Var

__all__ = ["kernels", "sources"]


def sources(*targets: Var) -> dict[str, str]:
    """Name and text of each kernel that `targets` (pending) would run; runs nothing.

    Example:  >>> import jittor_cy as jt
              >>> [text.count("void kernel_") > 0 for text in jt.debug.sources(jt.zeros(3).exp()).values()]
              [True]
    """
    snapshot, _, _ = _plan.pending(targets)
    if not snapshot.ops:
        return {}
    return {f"{k.name}_{k.key[:16]}": k.text for k in _plan.compile_only(snapshot).kernels}


def kernels(folder: str | Path, *targets: Var) -> list[Path]:
    """Writes `sources(*targets)` into `folder`, one .c file each, and index.txt; gives the paths.

    Raises: OSError: the folder cannot be written.
    """
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in sources(*targets).items():
        path = root / f"{name}.c"
        path.write_text(text)
        written.append(path)
    (root / "index.txt").write_text("".join(f"{path.name} {path.stat().st_size} bytes\n" for path in written))
    return written
