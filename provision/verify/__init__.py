"""Does traffic really arrive: each link from a host's name to its answer."""
