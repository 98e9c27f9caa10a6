"""optim: optimizers, schedules of the learning rate, clipping of gradients."""

from __future__ import annotations

from jittor_cy.optim import lr_scheduler
from jittor_cy.optim.adam import Adam, AdamW
from jittor_cy.optim.optimizer import Optimizer, clip_grad_norm_, clip_grad_value_
from jittor_cy.optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "clip_grad_norm_", "clip_grad_value_", "lr_scheduler"]
