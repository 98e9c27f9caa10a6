"""data: datasets, samplers and the loader that makes batches of them."""

from __future__ import annotations

from jittor_cy.data.dataset import Dataset, Subset, TensorDataset, random_split
from jittor_cy.data.datasets import Digits, FashionMNIST, IdxImages, read_idx
from jittor_cy.data.loader import DataLoader, collate
from jittor_cy.data.sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler, SubsetRandomSampler

__all__ = [
    "BatchSampler",
    "DataLoader",
    "Dataset",
    "Digits",
    "FashionMNIST",
    "IdxImages",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "collate",
    "random_split",
    "read_idx",
]
