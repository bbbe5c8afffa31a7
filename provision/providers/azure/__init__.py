"""Azure: one handler a kind over the SDKs' aio clients, one shared HTTP session."""
