"""Modules: what counts as a parameter, names, state dicts, modes, hooks, entries."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 3)
        self.blocks = nn.ModuleList([nn.Linear(3, 3, bias=False), nn.BatchNorm1d(3)])
        self.scale = nn.Parameter(jt.ones(3))

    def execute(self, x):
        for block in self.blocks:
            x = block(x if x.shape[-1] == 3 else self.first(x))
        return x * self.scale


NAMES = ["scale", "first.weight", "first.bias", "blocks.0.weight", "blocks.1.weight", "blocks.1.bias"]
BUFFERS = ["blocks.1.running_mean", "blocks.1.running_var", "blocks.1.num_batches_tracked"]


def test_named_parameters_have_pytorchs_names_and_order():
    assert [name for name, _ in Net().named_parameters()] == NAMES


def test_state_dict_has_parameters_and_buffers():
    assert sorted(Net().state_dict()) == sorted(NAMES + BUFFERS)


def test_plain_floating_var_is_a_parameter_and_others_are_buffers():
    class Plain(nn.Module):
        def __init__(self):  # without super().__init__(), as Jittor allows
            self.weight = jt.ones(2) * 3
            self.frozen = jt.ones(2).stop_grad()
            self.count = jt.array(3)

    net = Plain()

    assert [name for name, _ in net.named_parameters()] == ["weight"]
    assert sorted(name for name, _ in net.named_buffers()) == ["count", "frozen"]


def test_parameter_made_by_computing_is_a_leaf():
    base = jt.ones(2)
    net = nn.Module()
    net.weight = base * 3

    (net.weight * 2).sum().backward()

    assert net.weight.grad.numpy().tolist() == [2.0, 2.0]


def test_var_assigned_while_running_is_a_plain_attribute():
    class Keeps(nn.Module):
        def execute(self, x):
            self.last = x * 2
            return self.last

    net = Keeps()
    net(jt.ones(2))

    assert net.parameters() == []
    assert net.last.numpy().tolist() == [2.0, 2.0]


def test_frozen_parameter_stays_a_parameter():
    net = nn.Linear(2, 2)

    net.requires_grad_(False)

    assert [name for name, _ in net.named_parameters()] == ["weight", "bias"]
    assert not net.weight.requires_grad


def test_shared_parameter_comes_once():
    class Tied(nn.Module):
        def __init__(self):
            self.a, self.b = nn.Linear(2, 2), nn.Linear(2, 2)
            self.b.weight = self.a.weight

        def execute(self, x):
            return self.b(self.a(x))

    assert [name for name, _ in Tied().named_parameters()] == ["a.weight", "a.bias", "b.bias"]


def test_backward_leaves_gradients_in_parameters_and_zero_grad_takes_them():
    net = nn.Linear(2, 1, bias=False)

    net(jt.array([[3.0, 4.0]])).sum().backward()
    gradient = net.weight.grad.numpy().tolist()
    net.zero_grad()

    assert gradient == [[3.0, 4.0]]
    assert net.weight.grad is None


def test_load_state_dict_takes_arrays_and_casts_them():
    net = nn.Linear(2, 2)

    net.load_state_dict({"weight": np.eye(2), "bias": jt.array([1, 2])})

    assert str(net.weight.dtype) == "float32"
    assert net(jt.array([5.0, 7.0])).numpy().tolist() == [6.0, 9.0]


def test_load_state_dict_names_what_is_missing_and_unexpected():
    state = {**Net().state_dict(), "frst.weight": np.zeros((3, 4))}
    del state["first.weight"]

    with pytest.raises(
        ValueError,
        match=r"(?s)1 names are missing and 1 are not of Net\n.*missing: first.weight\n"
        r".*unexpected: frst.weight \(near first.weight\)",
    ):
        Net().load_state_dict(state)


def test_load_state_dict_names_a_shape_that_differs_and_changes_nothing():
    net = nn.Linear(2, 2)
    before = net.bias.numpy().copy()

    with pytest.raises(ValueError, match=r"load_state_dict: weight is \(3, 2\) in the state and \(2, 2\) here"):
        net.load_state_dict({"bias": np.ones(2), "weight": np.zeros((3, 2))})

    assert net.bias.numpy().tolist() == before.tolist()


def test_load_state_dict_without_strict_takes_what_matches():
    net = nn.Linear(2, 2)

    net.load_state_dict({"bias": np.array([1, 2]), "other": np.zeros(3)}, strict=False)

    assert net.bias.numpy().tolist() == [1.0, 2.0]


def test_load_state_dict_of_parameters_alone_keeps_buffers():
    net = nn.BatchNorm1d(2)
    net(jt.array([[1.0, 2.0], [3.0, 6.0]]))
    mean = net.running_mean.numpy().copy()

    net.load_state_dict({"weight": np.ones(2), "bias": np.ones(2)})

    assert net.running_mean.numpy().tolist() == mean.tolist()


def test_load_state_dict_with_some_buffers_wants_all():
    with pytest.raises(ValueError, match="missing: running_var"):
        nn.BatchNorm1d(2).load_state_dict({"weight": np.ones(2), "bias": np.ones(2), "running_mean": np.ones(2)})


def test_train_and_eval_reach_all_modules():
    net = Net()

    net.eval()

    assert not any(module.is_training() for module in net.modules())
    assert net.train().blocks[1].training


def test_forward_is_another_name_of_execute():
    class Doubles(nn.Module):
        def forward(self, x):
            return x * 2

    assert Doubles()(jt.ones(1)).item() == 2.0
    assert Doubles().execute(jt.ones(1)).item() == 2.0


def test_one_function_under_both_names_is_fine():
    class Doubles(nn.Module):
        def execute(self, x):
            return x * 2

        forward = execute

    assert Doubles()(jt.ones(1)).item() == 2.0


def test_execute_and_forward_that_differ_are_refused_at_the_call():
    class Torn(nn.Module):
        def execute(self, x):
            return x

        def forward(self, x):
            return x + 1

    net = Torn()

    with pytest.raises(ValueError, match="Torn: defines both execute and forward"):
        net(jt.ones(1))


def test_neither_execute_nor_forward_is_refused_at_the_call():
    with pytest.raises(ValueError, match="Module: defines neither execute nor forward"):
        nn.Module()(jt.ones(1))


def test_nearest_class_decides_the_entry():
    class Shifted(nn.Linear):
        def forward(self, x):
            return super().forward(x) + 10

    layer = Shifted(2, 1, bias=False)
    layer.load_state_dict({"weight": np.ones((1, 2))})

    assert layer(jt.ones(2)).numpy().tolist() == [12.0]


def test_hooks_change_inputs_and_outputs_until_removed():
    layer = nn.Identity()
    before = layer.register_forward_pre_hook(lambda module, inputs: (inputs[0] + 1,))
    after = layer.register_forward_hook(lambda module, inputs, output: output * 10)

    hooked = layer(jt.ones(1)).item()
    before.remove()
    after.remove()

    assert hooked == 20.0
    assert layer(jt.ones(1)).item() == 1.0


def test_repr_is_pytorchs():
    net = nn.Sequential(nn.Linear(4, 2), nn.ReLU(), nn.Sequential(nn.Conv2d(1, 2, 3)))

    assert repr(net) == (
        "Sequential(\n"
        "  (0): Linear(in_features=4, out_features=2, bias=True)\n"
        "  (1): ReLU()\n"
        "  (2): Sequential(\n"
        "    (0): Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1))\n"
        "  )\n"
        ")"
    )


def test_deepcopy_is_independent():
    net = Net()
    other = copy.deepcopy(net)

    nn.init.zeros_(other.scale)

    assert net.scale.numpy().tolist() == [1.0] * 3
    assert [name for name, _ in other.named_parameters()] == NAMES


def test_pickle_keeps_names_and_values():
    net = pickle.loads(pickle.dumps(nn.Sequential(nn.Linear(2, 2), nn.ReLU())))

    assert [name for name, _ in net.named_parameters()] == ["0.weight", "0.bias"]
    assert net(jt.ones(1, 2)).shape == (1, 2)


def test_half_and_float_cast_parameters_and_buffers():
    net = Net().half()

    assert {str(value.dtype) for value in [*net.parameters(), *net.buffers()]} == {"float16", "int64"}
    assert {str(value.dtype) for value in net.float().parameters()} == {"float32"}


def test_apply_visits_children_first():
    seen = []

    Net().apply(lambda module: seen.append(type(module).__name__))

    assert seen[-1] == "Net"
    assert sorted(seen) == ["BatchNorm1d", "Linear", "Linear", "ModuleList", "Net"]


def test_missing_attribute_names_a_near_one():
    with pytest.raises(AttributeError, match="Linear has no attribute 'wieght'; did you mean weight"):
        nn.Linear(2, 2).wieght  # noqa: B018


def test_sequential_takes_functions_slices_and_replacement():
    net = nn.Sequential(nn.Identity(), lambda x: x + 1, nn.ReLU())
    net[0] = nn.Sigmoid()

    assert net[:2](jt.zeros(1)).item() == 1.5
    assert len(net) == 3


def test_module_list_inserts_and_deletes():
    modules = nn.ModuleList([nn.ReLU(), nn.Tanh()])

    modules.insert(1, nn.Sigmoid())
    del modules[0]

    assert [type(module).__name__ for module in modules] == ["Sigmoid", "Tanh"]
    assert [name for name, _ in modules.named_children()] == ["0", "1"]


def test_module_dict_and_parameter_list_are_found():
    class Heads(nn.Module):
        def __init__(self):
            self.heads = nn.ModuleDict({"a": nn.Linear(2, 1, bias=False)})
            self.scales = nn.ParameterList([jt.ones(1), jt.ones(2)])

        def execute(self, x):
            return self.heads["a"](x)

    assert [name for name, _ in Heads().named_parameters()] == ["heads.a.weight", "scales.0", "scales.1"]


def test_parameter_of_integers_is_refused():
    with pytest.raises(TypeError, match="nn.Parameter: gradients need a floating dtype, not int64"):
        nn.Parameter(jt.array([1, 2]))
