"""Recurrent layers: RNN, LSTM and GRU of several layers and both directions, with PyTorch's parameter names."""

from __future__ import annotations

import math

from jittor_cy import _compose, ops
from jittor_cy._var import Var
from jittor_cy.errors import ArgumentError, ShapeError
from jittor_cy.nn import init
from jittor_cy.nn.dropout import dropout
from jittor_cy.nn.module import Module, Parameter

__all__ = ["GRU", "LSTM", "RNN"]

State = tuple[Var, ...]


class _Recurrent(Module):
    """Layers over a sequence x (L, N, input_size), or (N, L, input_size) with batch_first, or (L, input_size).

    Parameters weight_ih_l{k}, weight_hh_l{k}, bias_ih_l{k}, bias_hh_l{k} (with _reverse behind for the backward
    direction), their gates stacked in PyTorch's order, uniform in +-1/sqrt(hidden_size) at the start.
    Returns (output, last states): output (L, N, directions hidden_size), states (layers directions, N, hidden_size).
    The products with x of all steps are one contraction; the steps themselves are recorded one after the other.
    """

    gates = 1
    states = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
    ) -> None:
        super().__init__()
        if num_layers < 1 or not 0 <= dropout <= 1:
            raise ArgumentError(
                f"{type(self).__name__}: num_layers is {num_layers} and dropout {dropout}",
                help="at least one layer, and a probability",
            )
        self.input_size, self.hidden_size, self.num_layers, self.bias = input_size, hidden_size, num_layers, bias
        self.batch_first, self.dropout, self.bidirectional = batch_first, dropout, bidirectional
        for layer in range(num_layers):
            inputs = input_size if layer == 0 else hidden_size * (1 + bidirectional)
            for suffix in self._suffixes(layer):
                self._add_parameters(suffix, inputs)

    def _suffixes(self, layer: int) -> list[str]:
        return [f"l{layer}", f"l{layer}_reverse"] if self.bidirectional else [f"l{layer}"]

    def _add_parameters(self, suffix: str, inputs: int) -> None:
        rows, bound = self.gates * self.hidden_size, 1 / math.sqrt(max(1, self.hidden_size))
        shapes = {"weight_ih": (rows, inputs), "weight_hh": (rows, self.hidden_size)}
        shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)} if self.bias else {}
        for name, shape in shapes.items():
            setattr(self, f"{name}_{suffix}", Parameter(init.uniform(shape, -bound, bound)))

    def execute(self, x: Var, state: Var | State | None = None) -> tuple[Var, Var | State]:
        name = type(self).__name__
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size:
            raise ShapeError(f"{name}: x is {tuple(x.shape)}, and its last axis should be {self.input_size}", x=x)
        batched = x.ndim == 3
        x = x.unsqueeze(1) if not batched else x.transpose(1, 0, 2) if self.batch_first else x
        states = self._initial_states(x, state, batched)
        lasts: list[State] = []
        for layer in range(self.num_layers):
            outputs = []
            for direction, suffix in enumerate(self._suffixes(layer)):
                start = tuple(s[len(lasts)] for s in states)
                steps, last = self._run(x, start, suffix, reverse=direction == 1)
                outputs.append(steps)
                lasts.append(last)
            x = outputs[0] if len(outputs) == 1 else ops.concat(outputs, 2)
            if self.dropout and layer + 1 < self.num_layers:
                x = dropout(x, self.dropout, self.training)
        final = tuple(ops.stack([last[i] for last in lasts], 0) for i in range(self.states))
        if not batched:
            x, final = x.squeeze(1), tuple(s.squeeze(1) for s in final)
        elif self.batch_first:
            x = x.transpose(1, 0, 2)
        return x, final[0] if self.states == 1 else final

    def _initial_states(self, x: Var, state: Var | State | None, batched: bool) -> State:
        shape = (self.num_layers * (1 + self.bidirectional), x.shape[1], self.hidden_size)
        if state is None:
            return (ops.zeros(shape, dtype=str(x.dtype)),) * self.states
        given = (state,) if isinstance(state, Var) else tuple(state)
        given = given if batched else tuple(s.unsqueeze(1) for s in given)
        if len(given) != self.states or any(tuple(s.shape) != shape for s in given):
            found = ", ".join(str(tuple(s.shape)) for s in given)
            raise ShapeError(f"{type(self).__name__}: the states are {found}", help=f"give {self.states} of {shape}")
        return given

    def _run(self, x: Var, state: State, suffix: str, reverse: bool) -> tuple[Var, State]:
        from_input = _compose.linear(x, getattr(self, f"weight_ih_{suffix}"), getattr(self, f"bias_ih_{suffix}", None))
        weight, bias = getattr(self, f"weight_hh_{suffix}"), getattr(self, f"bias_hh_{suffix}", None)
        outputs: list[Var] = [x] * x.shape[0]
        for t in reversed(range(x.shape[0])) if reverse else range(x.shape[0]):
            state = self.step(from_input[t], _compose.linear(state[0], weight, bias), state)
            outputs[t] = state[0]
        return ops.stack(outputs, 0), state

    def step(self, from_input: Var, from_hidden: Var, state: State) -> State:
        """The new states from the two products (N, gates hidden_size) and the states before."""
        raise TypeError(f"{type(self).__name__}: use RNN, LSTM or GRU, or define step")

    def _gates(self, x: Var) -> list[Var]:
        size = self.hidden_size
        return [x[:, i * size : (i + 1) * size] for i in range(self.gates)]

    def extra_repr(self) -> str:
        layers = f", num_layers={self.num_layers}" if self.num_layers != 1 else ""
        return f"{self.input_size}, {self.hidden_size}{layers}"


class RNN(_Recurrent):
    """h = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu of it.

    Source: Elman 1990, "Finding structure in time"
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ArgumentError(f"RNN: nonlinearity is {nonlinearity!r}", help='"tanh" or "relu"')
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional)
        self.nonlinearity = nonlinearity

    def step(self, from_input: Var, from_hidden: Var, state: State) -> State:
        """h = f(from_input + from_hidden)."""
        total = from_input + from_hidden
        return (total.tanh() if self.nonlinearity == "tanh" else _compose.relu(total),)


class LSTM(_Recurrent):
    """Gates i, f, g, o: c = f c + i g and h = o tanh(c); the state is (h, c).

    Source:  Hochreiter & Schmidhuber 1997, "Long short-term memory"; forget gate of Gers et al. 2000
    Example: >>> output, (h, c) = nn.LSTM(4, 8)(jt.ones(5, 2, 4))
             >>> output.shape, h.shape
             ((5, 2, 8), (1, 2, 8))
    """

    gates = 4
    states = 2

    def step(self, from_input: Var, from_hidden: Var, state: State) -> State:
        """c = f c + i g, h = o tanh(c)."""
        i, f, g, o = self._gates(from_input + from_hidden)
        cell = f.sigmoid() * state[1] + i.sigmoid() * g.tanh()
        return o.sigmoid() * cell.tanh(), cell


class GRU(_Recurrent):
    """Gates r, z, n: n = tanh(from_input + r from_hidden) and h = (1 - z) n + z h.

    Source: Cho et al. 2014, arXiv:1406.1078, with the bias inside the reset gate as in PyTorch
    """

    gates = 3

    def step(self, from_input: Var, from_hidden: Var, state: State) -> State:
        """h = (1 - z) n + z h."""
        (r_x, z_x, n_x), (r_h, z_h, n_h) = self._gates(from_input), self._gates(from_hidden)
        z = (z_x + z_h).sigmoid()
        new = (n_x + (r_x + r_h).sigmoid() * n_h).tanh()
        return ((1 - z) * new + z * state[0],)
