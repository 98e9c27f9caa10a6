"""Builds libjtcy.so from runtime/ (and the kernels generated for each instruction set), then one extension per .pyx."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy
from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent.resolve()
RUNTIME = Path("runtime")
PACKAGE = Path("jittor_cy")
LIBRARY = "libjtcy.so"
# Texts that the kernel generator pastes; an installed package has no runtime/ folder beside it.
MATHS = sorted(f"exec/{path.name}" for path in (ROOT / RUNTIME / "exec").glob("kernel_math*.h"))
PASTED = ("exec/kernel_abi.h", *MATHS, "device/simulated/simt.h")

COMMON = ["-fPIC", "-O2", "-g0", "-Wall", "-Wextra", "-Wno-unused-parameter", "-pthread", "-fvisibility-inlines-hidden"]
COMMON += ["-fno-semantic-interposition"]  # nobody replaces our functions: calls within the library are direct
# The bits of a kernel follow from these (docs/bits.md); generated kernels use the same.
EXACT = ["-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fwrapv", "-fno-strict-aliasing"]
INSTRUCTION_SETS = {
    "avx512": ["-march=x86-64-v4", "-mprefer-vector-width=512", "-DJT_HAS_FMA=1"],
    "avx2": ["-march=x86-64-v3", "-DJT_HAS_FMA=1"],
    "portable": ["-march=x86-64"],
}
VECTORIZE = ["-ftree-loop-vectorize", "-ftree-slp-vectorize", "-fvect-cost-model=dynamic", "-Wno-psabi"]

# The generator is run before any extension exists, so the package's own __init__ must not be.
RUN_AOT = """
import runpy, sys, types
package = types.ModuleType("jittor_cy")
package.__path__ = ["jittor_cy"]
sys.modules["jittor_cy"] = package
runpy.run_module("jittor_cy.compiler.aot", run_name="__main__")
"""

NVRTC = "nvidia-cuda-nvrtc>=13.0.88,<14"  # compiles for a GPU; needs none


def depends_are_older(target: Path, depfile: Path) -> bool:
    """Whether `target` is newer than everything that its compiler-written depfile names."""
    if not target.exists() or not depfile.exists():
        return False
    names = depfile.read_text().replace("\\\n", " ").split(":", 1)[1].split()
    built = target.stat().st_mtime
    return all(os.path.exists(name) and os.path.getmtime(name) <= built for name in names)


class Compile:
    """One translation unit: source, object and flags; compiled only where something it reads is newer."""

    def __init__(self, source: Path, target: Path, flags: list[str], compiler: str) -> None:
        self.source, self.target, self.flags, self.compiler = source, target, flags, compiler

    def run(self) -> Path:
        depfile = self.target.with_suffix(".d")
        flags_file = self.target.with_suffix(".flags")
        command = [
            self.compiler,
            *self.flags,
            "-MMD",
            "-MF",
            str(depfile),
            "-c",
            str(self.source),
            "-o",
            str(self.target),
        ]
        same_flags = flags_file.exists() and flags_file.read_text() == " ".join(command)
        if not (same_flags and depends_are_older(self.target, depfile)):
            self.target.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(command, check=True)
            flags_file.write_text(" ".join(command))
        return self.target


class BuildExt(build_ext):
    """Adds the shared library under the extensions; sanitizers and coverage come through CXXFLAGS and LDFLAGS."""

    def finalize_options(self) -> None:
        from Cython.Build import cythonize  # not at the top: pip reads setup.py before Cython is installed

        directives = {"language_level": 3}
        if os.environ.get("JTCY_CYTHON_CHECKS"):
            directives |= {"boundscheck": True, "nonecheck": True, "initializedcheck": True}
        if os.environ.get("JTCY_CYTHON_TRACE"):
            directives |= {"linetrace": True}
        self.distribution.ext_modules = cythonize(self.distribution.ext_modules, compiler_directives=directives)
        super().finalize_options()

    def build_extensions(self) -> None:
        folder = Path(self.get_ext_fullpath(self.extensions[0].name)).resolve().parent
        folder.mkdir(parents=True, exist_ok=True)
        self.library = folder / LIBRARY
        self.link_library(self.compile_library(Path(self.build_temp)))
        for extension in self.extensions:
            extension.library_dirs.append(str(folder))
            extension.depends.append(str(self.library))
        super().build_extensions()
        self.copy_pasted_texts(folder)

    def compile_library(self, temp: Path) -> list[Path]:
        cxx = os.environ.get("CXX", "g++")
        user = os.environ.get("CXXFLAGS", "").split()
        units = []
        for source in sorted(RUNTIME.rglob("*.cpp")):
            flags = ["-std=c++20", "-Iruntime", *COMMON, *EXACT, *user]
            if source.stem.endswith("_isa"):
                for isa, isa_flags in INSTRUCTION_SETS.items():
                    target = temp / source.with_suffix(f".{isa}.o")
                    units.append(
                        Compile(source, target, [*flags, *VECTORIZE, f"-DJTCY_ISA_NAME={isa}", *isa_flags], cxx)
                    )
            else:
                units.append(Compile(source, temp / source.with_suffix(".o"), flags, cxx))
        units += self.prebuilt_kernels(temp)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(Compile.run, units))

    def prebuilt_kernels(self, temp: Path) -> list[Compile]:
        """The kernels that every program needs, written by the run-time generator itself (compiler/aot.py)."""
        folder = temp / "prebuilt"
        subprocess.run([sys.executable, "-c", RUN_AOT, str(folder)], check=True, cwd=ROOT)
        cc = os.environ.get("CC", "gcc")
        return [
            Compile(
                folder / f"prebuilt_{isa}.c",
                folder / f"prebuilt_{isa}.o",
                ["-std=gnu17", "-Iruntime", "-fPIC", "-O2", "-w", *EXACT, *VECTORIZE, *flags],
                cc,
            )
            for isa, flags in INSTRUCTION_SETS.items()
        ]

    def link_library(self, objects: list[Path]) -> None:
        if self.library.exists() and all(o.stat().st_mtime <= self.library.stat().st_mtime for o in objects):
            return
        cxx = os.environ.get("CXX", "g++")
        user = os.environ.get("LDFLAGS", "").split()
        fresh = self.library.with_suffix(".new")  # a process may have the old one mapped: never write into it
        link = [cxx, "-shared", "-pthread", "-Wl,-Bsymbolic-functions", "-o", str(fresh), *map(str, objects)]
        subprocess.run([*link, *user, "-ldl"], check=True)
        os.replace(fresh, self.library)

    def copy_pasted_texts(self, folder: Path) -> None:
        include = folder / "compiler" / "codegen" / "include"
        include.mkdir(parents=True, exist_ok=True)
        for name in PASTED:
            shutil.copy2(RUNTIME / name, include / Path(name).name)

    def copy_extensions_to_source(self) -> None:  # --inplace and editable installs
        super().copy_extensions_to_source()
        if self.library.parent != (ROOT / PACKAGE):
            fresh = PACKAGE / f"{LIBRARY}.new"
            shutil.copy2(self.library, fresh)
            os.replace(fresh, PACKAGE / LIBRARY)


def extensions() -> list[Extension]:
    return [
        Extension(
            f"jittor_cy.{source.stem}",
            [str(source)],
            language="c++",
            include_dirs=["runtime", "jittor_cy", numpy.get_include()],
            libraries=["jtcy"],
            runtime_library_dirs=["$ORIGIN"],
            depends=[str(h) for h in sorted(RUNTIME.rglob("*.h"))] + [str(h) for h in sorted(PACKAGE.glob("*.pxd"))],
            extra_compile_args=[
                "-std=c++20",
                "-O2",
                "-g0",
                "-Wno-unused-function",
                *os.environ.get("CXXFLAGS", "").split(),
            ],
            extra_link_args=os.environ.get("LDFLAGS", "").split(),
        )
        for source in sorted(PACKAGE.glob("_*.pyx"))
    ]


if __name__ == "__main__":
    setup(
        name="jittor_cy",
        version="0.1.0",
        description="Deep learning for models that want more memory than the machine has",
        long_description=(ROOT / "README.md").read_text() if (ROOT / "README.md").exists() else "",
        long_description_content_type="text/markdown",
        license="Apache-2.0",
        python_requires=">=3.10",
        packages=find_packages(include=["jittor_cy", "jittor_cy.*"]),
        package_data={
            "jittor_cy": [
                "*.so",
                "*.pyi",
                "*.pxd",
                "py.typed",
                "_translate.h",
                "compiler/codegen/include/*.h",
                "compiler/README.md",
            ]
        },
        ext_modules=extensions(),
        cmdclass={"build_ext": BuildExt},
        install_requires=["numpy>=1.24", "tqdm>=4.60", "cuda-python>=13.0.3,<14"],
        extras_require={
            "bench": ["matplotlib>=3.7"],
            "examples": ["scikit-learn>=1.3"],
            "test": ["pytest>=7", "hypothesis>=6.80", "scikit-learn>=1.3", NVRTC],
            "coverage": ["coverage>=7.10", "gcovr>=8"],
            "cuda": [NVRTC],
        },
        zip_safe=False,
    )
