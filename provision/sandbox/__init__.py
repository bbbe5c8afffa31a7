"""The sandbox: an embedded Azure on loopback, for rehearsals, tests and benchmarks."""
