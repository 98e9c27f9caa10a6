"""nn: modules, their functional forms, initialisers."""

from __future__ import annotations

from jittor_cy._compose import matmul  # noqa: F401
from jittor_cy.nn import functional, init  # noqa: F401
from jittor_cy.nn.activation import *
from jittor_cy.nn.attention import *
from jittor_cy.nn.container import *
from jittor_cy.nn.conv import *
from jittor_cy.nn.dropout import *
from jittor_cy.nn.embedding import *
from jittor_cy.nn.functional import *
from jittor_cy.nn.linear import *
from jittor_cy.nn.loss import *
from jittor_cy.nn.module import *
from jittor_cy.nn.norm import *
from jittor_cy.nn.pool import *
from jittor_cy.nn.recurrent import *
