"""The edge to the network itself: names, handshakes, answers. Used by `verify` only."""
