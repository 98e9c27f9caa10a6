"""Tutorial 3: your own operators: index arithmetic that is fused, a gradient in Python, and C++."""

from __future__ import annotations

import numpy as np

import jittor_cy as jt


def convolve(x: jt.Var, weight: jt.Var) -> jt.Var:
    """A one-dimensional convolution from the meta-operators: reindex, broadcast, multiply, reduce.

    x (n,) and weight (k,) are seen as arrays over (output, tap); nothing of that size is stored, since the four fuse.
    """
    outputs, taps = x.shape[0] - weight.shape[0] + 1, weight.shape[0]
    windows = jt.compute((outputs, taps), lambda i, k: x[i + k])
    return (windows * weight).sum(dim=1)


class ClippedIdentity(jt.Function):
    """x between -1 and 1; its gradient passes inside and is a tenth outside, so that clipped values can come back."""

    def execute(self, x: jt.Var) -> jt.Var:
        self.inside = (x >= -1) & (x <= 1)
        return x.clamp(-1, 1)

    def grad(self, dy: jt.Var) -> jt.Var:
        return jt.where(self.inside, dy, dy * 0.1)


def running_maximum(x: jt.Var) -> jt.Var:
    """The largest value so far, which no composition does in one pass; its gradient goes to where it was."""
    forward = """
        float largest = @in0(0);
        for (long long i = 0; i < in0_shape0; i++) @out(i) = largest = @in0(i) > largest ? @in0(i) : largest;
    """
    backward = """
        long long place = 0;
        for (long long i = 0; i < in0_shape0; i++) {
            @out(i) = 0;
            if (@in0(i) > @in0(place)) place = i;
            @out(place) += @dout(i);
        }
    """
    return jt.code(x.shape, x.dtype, [x], cpu_src=forward, cpu_grad_src=[backward])


def report(name: str, found: jt.Var, expected: np.ndarray) -> None:
    """One line: the values, and whether they are those of the closed form."""
    agrees = np.allclose(found.numpy(), expected, rtol=1e-5, atol=1e-6)
    print(f"{name}: {found.numpy().round(3).tolist()} agrees with the closed form: {agrees}")


def main() -> None:
    x = jt.array([0.5, -2.0, 1.5, 3.0, -0.25, 1.0])
    weight = jt.array([1.0, -2.0, 0.5])

    y = convolve(x, weight)
    print(jt.debug.explain(y))
    slopes = jt.grad((y * y).sum(), weight)
    windows = np.lib.stride_tricks.sliding_window_view(x.numpy(), 3)
    report("gradient of a convolution", slopes, 2 * windows.T @ (windows @ weight.numpy()))

    clipped = ClippedIdentity()(x)
    inside = np.abs(x.numpy()) <= 1
    report("gradient in Python", jt.grad((clipped * 3).sum(), x), np.where(inside, 3.0, 0.3))

    largest = running_maximum(x)
    print("running maximum in C++:", largest.numpy().tolist())
    report("its gradient in C++", jt.grad(largest.sum(), x), np.array([2.0, 0.0, 1.0, 3.0, 0.0, 0.0]))


if __name__ == "__main__":
    main()
