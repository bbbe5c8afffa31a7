"""Plan → outcomes: reading what is there, walking the graph, telling what happens."""
