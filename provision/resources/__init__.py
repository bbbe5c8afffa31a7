"""The vocabulary: what we can declare, one module a kind, frozen dataclasses without behaviour.

No module here knows Azure's SDKs or how a kind is read and written; that is `providers/`.
"""
