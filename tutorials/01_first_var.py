"""Tutorial 1: a Var is an array whose arithmetic is written down first and run when somebody looks."""

from __future__ import annotations

import jittor_cy as jt


def main() -> None:
    # Arithmetic gives a graph at once and no numbers yet: `repr` shows what is pending and runs nothing.
    x = jt.array([[1.0, 2.0], [3.0, 4.0]])
    y = (x * 2 + 1).exp().sum(dim=1)
    print("not computed yet:", y)

    # Reading a value runs what it needs; chains of operations become one kernel.
    print("computed:", y.numpy())

    # 0-d results, int64 and PyTorch's promotion, NumPy's views: a write through a slice is seen by the whole.
    counts = jt.arange(6).reshape(2, 3)
    counts[0] = 10
    print("a row was replaced:", counts.tolist(), counts.dtype)

    # Gradients are Vars of the same kind, so they can be differentiated again.
    w = jt.array(3.0)
    cube = w * w * w
    (slope,) = jt.grad(cube, [w], retain_graph=True)
    (bend,) = jt.grad(slope, [w])
    print(f"w^3 at 3: value {cube.item()}, slope {slope.item()}, second derivative {bend.item()}")

    # PyTorch's way works too.
    w = jt.nn.Parameter(jt.array([1.0, -2.0]))
    (w * w).sum().backward()
    print("w.grad:", w.grad.numpy())

    # Mistakes name the line where the Vars were made.
    try:
        jt.ones(2, 3) @ jt.ones(2, 3)
    except ValueError as error:
        print(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
