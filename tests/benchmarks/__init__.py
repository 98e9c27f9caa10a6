"""Tests of jittor_cy.bench, on sizes that take no time."""
