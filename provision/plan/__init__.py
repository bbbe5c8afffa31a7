"""Desired and observed → plan. Pure: no I/O, no SDK, nothing of Azure but its vocabulary."""
