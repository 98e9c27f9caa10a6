"""`python -m jittor_cy.bench`: operators and models against the machine's own limits and against other frameworks."""
