"""nn: modules, their functional forms, initialisers."""

from __future__ import annotations

from jittor_cy.nn import functional, init
from jittor_cy.nn.activation import *  # noqa: F403
from jittor_cy.nn.attention import *  # noqa: F403
from jittor_cy.nn.container import *  # noqa: F403
from jittor_cy.nn.conv import *  # noqa: F403
from jittor_cy.nn.dropout import *  # noqa: F403
from jittor_cy.nn.embedding import *  # noqa: F403
from jittor_cy.nn.functional import *  # noqa: F403
from jittor_cy.nn.linear import *  # noqa: F403
from jittor_cy.nn.loss import *  # noqa: F403
from jittor_cy.nn.module import *  # noqa: F403
from jittor_cy.nn.norm import *  # noqa: F403
from jittor_cy.nn.pool import *  # noqa: F403
from jittor_cy.nn.recurrent import *  # noqa: F403

matmul = functional._graph.matmul
