"""Attention: the scaled dot product, and multi-head attention with PyTorch's parameter names."""

from __future__ import annotations

import math

from jittor_cy import _compose, ops
from jittor_cy._var import Var
from jittor_cy.errors import ArgumentError, ShapeError
from jittor_cy.nn import init
from jittor_cy.nn.dropout import dropout
from jittor_cy.nn.linear import Linear
from jittor_cy.nn.module import Module, Parameter

__all__ = ["MultiheadAttention", "scaled_dot_product_attention"]

_MASKED = -math.inf


def scaled_dot_product_attention(
    query: Var,
    key: Var,
    value: Var,
    attn_mask: Var | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Var:
    """softmax(query key^T scale + mask) value.

    Shapes:   query (*, L, E) · key (*, S, E) · value (*, S, F) · attn_mask broadcasts to (*, L, S)
              returns (*, L, F)
    Args:     attn_mask: added to the scores, or of dtype bool: where it is False nothing is attended; a row of
                         nothing gives 0
              is_causal: position i attends to positions up to i · scale: default 1 / sqrt(E)
    Gradient: query, key, value and a floating mask
    Source:   Vaswani et al. 2017, arXiv:1706.03762
    """
    _check(query, key, attn_mask, is_causal)
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    fused = None if dropout_p else _compose.attention(query, key, value, attn_mask, scale, _MASKED, is_causal)
    if fused is not None:
        return fused
    weights = _attention_weights(query, key, attn_mask, is_causal, scale)
    return _compose.matmul(dropout(weights, dropout_p) if dropout_p else weights, value)


def _check(query: Var, key: Var, mask: Var | None, is_causal: bool) -> None:
    if query.ndim < 2 or key.ndim < 2 or query.shape[-1] != key.shape[-1]:
        raise ShapeError("scaled_dot_product_attention: query and key differ in their last axis", query=query, key=key)
    if is_causal and mask is not None:
        raise ArgumentError("scaled_dot_product_attention: is_causal and attn_mask exclude each other")


def _attention_weights(query: Var, key: Var, mask: Var | None, is_causal: bool, scale: float) -> Var:
    scores = _compose.matmul(query * scale, _swap_last(key))
    if is_causal:
        rows, columns = ops.arange(query.shape[-2]), ops.arange(key.shape[-2])
        mask = rows.unsqueeze(1) >= columns
    if mask is not None:
        scores = ops.where(mask, scores, _MASKED) if str(mask.dtype) == "bool" else scores + mask
    if mask is None or is_causal:
        return _compose.softmax(scores, scores.ndim - 1, False)
    idle = scores.max(scores.ndim - 1, keepdims=True) == _MASKED  # the softmax of such a row would be NaN
    return ops.where(idle, 0.0, _compose.softmax(ops.where(idle, 0.0, scores), scores.ndim - 1, False))


def _swap_last(x: Var) -> Var:
    return x.transpose(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2)


class MultiheadAttention(Module):
    """Attention in num_heads subspaces; parameters are named and laid out as PyTorch's.

    Called with query (L, N, E), key (S, N, kdim), value (S, N, vdim), or batch first; returns (output, weights), the
    weights averaged over the heads, or None with need_weights=False. Masks: key_padding_mask (N, S), attn_mask (L, S)
    or (N num_heads, L, S); of dtype bool (True: not attended, as in PyTorch's MultiheadAttention) or added.

    Source: Vaswani et al. 2017, arXiv:1706.03762
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
    ) -> None:
        super().__init__()
        if embed_dim % num_heads:
            raise ArgumentError(f"MultiheadAttention: embed_dim {embed_dim} does not divide into {num_heads} heads")
        self.embed_dim, self.num_heads, self.dropout, self.batch_first = embed_dim, num_heads, dropout, batch_first
        self.kdim, self.vdim = kdim or embed_dim, vdim or embed_dim
        self.packed = self.kdim == self.vdim == embed_dim
        if self.packed:
            self.in_proj_weight = Parameter(init.xavier_uniform((3 * embed_dim, embed_dim)))
        else:
            self.q_proj_weight = Parameter(init.xavier_uniform((embed_dim, embed_dim)))
            self.k_proj_weight = Parameter(init.xavier_uniform((embed_dim, self.kdim)))
            self.v_proj_weight = Parameter(init.xavier_uniform((embed_dim, self.vdim)))
        self.in_proj_bias = Parameter(ops.zeros((3 * embed_dim,))) if bias else None
        self.out_proj = Linear(embed_dim, embed_dim, bias)
        if bias:
            init.zeros_(self.out_proj.bias)

    def execute(
        self,
        query: Var,
        key: Var,
        value: Var,
        key_padding_mask: Var | None = None,
        need_weights: bool = True,
        attn_mask: Var | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Var, Var | None]:
        if not self.batch_first:
            query, key, value = (x.transpose(1, 0, 2) for x in (query, key, value))
        batch, length, _ = query.shape
        heads = [self._split_heads(x) for x in self._project(query, key, value)]
        mask = self._mask(attn_mask, key_padding_mask, is_causal, batch, length, key.shape[1])
        attended, dropped = self._attend(*heads, mask, need_weights)
        output = self.out_proj(attended.transpose(0, 2, 1, 3).reshape(batch, length, self.embed_dim))
        output = output if self.batch_first else output.transpose(1, 0, 2)
        if dropped is None:
            return output, None
        return output, dropped.mean(1) if average_attn_weights else dropped

    def _attend(self, query: Var, key: Var, value: Var, mask: Var | None, need_weights: bool) -> tuple[Var, Var | None]:
        """The attended values of each head, and the weights where they are needed."""
        if not need_weights:
            p = self.dropout if self.training else 0.0
            return scaled_dot_product_attention(query, key, value, mask, dropout_p=p), None
        weights = _attention_weights(query, key, mask, False, 1 / math.sqrt(query.shape[-1]))
        dropped = dropout(weights, self.dropout, self.training)
        return _compose.matmul(dropped, value), dropped

    def _project(self, query: Var, key: Var, value: Var) -> list[Var]:
        size = self.embed_dim
        if self.packed:
            weights = [self.in_proj_weight[i * size : (i + 1) * size] for i in range(3)]
        else:
            weights = [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]
        bias = self.in_proj_bias
        biases = [None if bias is None else bias[i * size : (i + 1) * size] for i in range(3)]
        return [_compose.linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases, strict=True)]

    def _split_heads(self, x: Var) -> Var:
        batch, length, _ = x.shape
        return x.reshape(batch, length, self.num_heads, self.embed_dim // self.num_heads).transpose(0, 2, 1, 3)

    def _mask(
        self, attn_mask: Var | None, key_padding_mask: Var | None, is_causal: bool, batch: int, length: int, keys: int
    ) -> Var | None:
        masks = []
        if is_causal and attn_mask is None:
            attn_mask = ops.arange(keys) > ops.arange(length).unsqueeze(1)
        if attn_mask is not None:
            masks.append(attn_mask.reshape(batch, self.num_heads, length, keys) if attn_mask.ndim == 3 else attn_mask)
        if key_padding_mask is not None:
            masks.append(key_padding_mask.reshape(batch, 1, 1, keys))
        added = [ops.where(mask, _MASKED, 0.0) if str(mask.dtype) == "bool" else mask for mask in masks]
        return sum(added[1:], added[0]) if added else None

    def extra_repr(self) -> str:
        return f"embed_dim={self.embed_dim}, num_heads={self.num_heads}"
