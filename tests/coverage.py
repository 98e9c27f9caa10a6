"""Line coverage of jittor_cy/ (Python and Cython) and runtime/ (C++) by the quick tests: `python -m tests.coverage`.

A copy of the checkout is built with gcov and Cython's line tracing in a temporary folder; nothing here is touched.
`pip install -e '.[test,coverage]'` has what it needs; the bench's peers count where torch and jax are installed.
Fails under 85 % overall, and under 70 % for any file. What follows on the command line goes to pytest.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
OVERALL, EACH_FILE = 85.0, 70.0
# Sanitizers are builds of their own, and what bounds times and memory does not hold under tracing.
TESTS = ("tests", "-k", "not asan and not tsan and not acceptance")
# The models of the bench and its peers, where torch and jax are installed, are among what takes minutes.
BENCH = ("tests/benchmarks", "--full", "-k", "every_workload")
TOOLS = ("coverage", "gcovr", "pytest")
# Files of these many lines or fewer are too small for a percentage to say anything.
SMALLEST = 8
SETTINGS = """\
[run]
plugins = Cython.Coverage
source = jittor_cy
parallel = True
concurrency = multiprocessing,thread
patch = subprocess, _exit
[report]
exclude_also =
    if TYPE_CHECKING:
    if __name__ == "__main__":
"""


@dataclass(frozen=True, slots=True)
class FileLines:
    """Lines of one file that can run, and those that did."""

    name: str
    lines: int
    covered: int

    @property
    def percent(self) -> float:
        return 100.0 * self.covered / self.lines if self.lines else 100.0


def copy_checkout(to: Path) -> None:
    """Tracked files and new ones that git does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    for name in listed:
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)


def build_and_test(tree: Path, arguments: list[str]) -> int:
    environment = {
        **os.environ,
        "CXXFLAGS": "--coverage -O1 -DCYTHON_TRACE=1 -DCYTHON_TRACE_NOGIL=1",
        "LDFLAGS": "--coverage",
        "JTCY_CYTHON_TRACE": "1",
        "PYTHONPATH": str(tree),
        "JTCY_CACHE_DIR": str(tree / "cache"),
    }
    (tree / "cache").mkdir(mode=0o700)
    (tree / ".coveragerc").write_text(SETTINGS)
    subprocess.run(
        [sys.executable, "setup.py", "build_ext", "--inplace"],
        cwd=tree,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    failed = 0
    for tests in [arguments] if arguments else [TESTS, BENCH]:
        command = [sys.executable, "-m", "coverage", "run", "-m", "pytest", *tests]
        failed |= subprocess.run(command, cwd=tree, env=environment, check=False).returncode
    return failed


def python_lines(tree: Path) -> list[FileLines]:
    subprocess.run([sys.executable, "-m", "coverage", "combine", "-q"], cwd=tree, check=True)
    subprocess.run([sys.executable, "-m", "coverage", "json", "-q", "-o", "python.json"], cwd=tree, check=True)
    files = json.loads((tree / "python.json").read_text())["files"]
    return [
        FileLines(name, about["summary"]["num_statements"], about["summary"]["covered_lines"])
        for name, about in files.items()
    ]


def runtime_lines(tree: Path) -> list[FileLines]:
    subprocess.run(
        [
            sys.executable,
            "-m",
            "gcovr",
            "-r",
            str(tree),
            "--filter",
            "runtime/",
            "--json-summary",
            "runtime.json",
            "--gcov-ignore-parse-errors=all",
            "--merge-mode-functions=merge-use-line-min",
            "--merge-lines",
            str(tree),
        ],
        cwd=tree,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    files = json.loads((tree / "runtime.json").read_text())["files"]
    return [FileLines(f["filename"], f["line_total"], f["line_covered"]) for f in files]


def report(files: list[FileLines]) -> bool:
    """Prints the table, the lowest first; whether every bound holds."""
    for file in sorted(files, key=lambda f: f.percent):
        mark = "  below the bound" if is_low(file) else ""
        print(f"{file.percent:6.1f} %  {file.covered:5} of {file.lines:5}  {file.name}{mark}")
    total = FileLines("overall", sum(f.lines for f in files), sum(f.covered for f in files))
    print(
        f"{total.percent:6.1f} %  {total.covered:5} of {total.lines:5}  overall (bounds: {OVERALL:.0f} %, "
        f"{EACH_FILE:.0f} % for each file)"
    )
    return total.percent >= OVERALL and not any(is_low(f) for f in files)


def is_low(file: FileLines) -> bool:
    return file.lines > SMALLEST and file.percent < EACH_FILE


def main() -> int:
    """Builds, tests and reports; 1 where a test or a bound failed."""
    if missing := [name for name in TOOLS if importlib.util.find_spec(name) is None]:
        sys.exit(f"tests.coverage: {' and '.join(missing)} not installed; run pip install -e '.[test,coverage]'")
    with tempfile.TemporaryDirectory(prefix="jittor_cy-coverage-") as folder:
        tree = Path(folder)
        copy_checkout(tree)
        failed = build_and_test(tree, sys.argv[1:])
        enough = report(python_lines(tree) + runtime_lines(tree))
    return 1 if failed or not enough else 0


if __name__ == "__main__":
    sys.exit(main())
