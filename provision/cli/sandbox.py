"""`provision sandbox serve|env|status|reset`: the embedded Azure, for other clients too."""

from __future__ import annotations

import argparse
import shlex
import sys
from typing import TYPE_CHECKING

from provision.cli import EXIT_CODES
from provision.cli.arguments import debug_argument
from provision.cli.connect import opening_sandbox, sandbox_client
from provision.errors import UsageError

if TYPE_CHECKING:
    from provision.sandbox.home import Home, Server

HELP = "run and look after the embedded Azure"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)

    def verb(name: str, help_: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(
            name,
            help=help_,
            description=help_[0].upper() + help_[1:] + ".",
            epilog=EXIT_CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        debug_argument(added)
        return added

    serve = verb("serve", "serve it to az, kubectl, the SDKs and provision until interrupted")
    serve.add_argument("--port", type=_port, default=0, help="port on loopback (the last one, or a free one)")
    serve.add_argument(
        "--speed",
        type=_speed,
        default=1000.0,
        metavar="N",
        help="how many times faster than Azure long operations run (1000)",
    )
    serve.add_argument(
        "--latency", type=float, default=0.0, metavar="SECONDS", help="delay of each answer (0)"
    )
    environment = verb("env", "print the variables that point clients at a running sandbox")
    environment.add_argument(
        "--client",
        default="owner",
        help="seeded service principal to sign in as (owner, contributor, reader, …)",
    )
    verb("status", "tell where its state is, what it holds and whether it is served")
    reset = verb("reset", "forget everything and seed it anew")
    reset.add_argument("--yes", "-y", action="store_true", help="do not ask")


def run(arguments: argparse.Namespace) -> int:
    from provision.sandbox import home

    verbs = {"serve": _serve, "env": _environment, "status": _status, "reset": _reset}
    here = home.locate()
    with opening_sandbox(here.path):
        return verbs[arguments.verb](arguments, here)


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port < 65536:
        raise argparse.ArgumentTypeError(f"{port} is no port")
    return port


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 < speed < float("inf"):
        raise argparse.ArgumentTypeError("must be more than 0")
    return speed


def _serve(arguments: argparse.Namespace, here: Home) -> int:
    import asyncio
    import contextlib
    import signal

    from provision.sandbox import home

    running = here.running()
    if running:
        raise UsageError(
            "serving the sandbox", f"it is served already by process {running.pid} at {running.url}"
        )

    async def serve() -> None:
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, lambda: task.cancel() if task else None)
        with contextlib.suppress(asyncio.CancelledError):
            await home.serve(
                here, port=arguments.port, speed=arguments.speed, latency=arguments.latency, ready=_told
            )

    asyncio.run(serve())
    return 0


def _told(server: Server) -> None:
    sys.stdout.write(f'sandbox at {server.url}; in another shell: eval "$(provision sandbox env)"\n')
    sys.stdout.flush()


def _environment(arguments: argparse.Namespace, here: Home) -> int:
    from provision.sandbox import home

    running = here.running()
    if running is None:
        raise UsageError(
            "", "no sandbox is being served", "Start one in another shell:", "provision sandbox serve"
        )
    client = sandbox_client(arguments.client)
    for name, value in home.environment(here, running, client.name).items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
    sys.stdout.write(
        "# az needs a login of its own:\n"
        '# az login --service-principal -u "$AZURE_CLIENT_ID" -p "$AZURE_CLIENT_SECRET"'
        ' -t "$AZURE_TENANT_ID"\n'
    )
    return 0


def _status(arguments: argparse.Namespace, here: Home) -> int:
    from provision.sandbox.store import Store

    running = here.running()
    lines = [f"state   {here.state}"]
    lines.append(f"served  {running.url} by process {running.pid}" if running else "served  no")
    if here.state.exists():
        store = Store(here.state)
        kinds = store.dump()
        store.close()
        lines += [f"{len(documents):7} {kind}" for kind, documents in kinds.items() if "/" in kind]
    else:
        lines.append("holds   nothing yet; the first --sandbox run seeds it")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _reset(arguments: argparse.Namespace, here: Home) -> int:
    from provision.cli.executing import may_go_on
    from provision.sandbox import seed, tokens
    from provision.sandbox.azure import Azure, Clock
    from provision.sandbox.store import Store

    may_go_on(f"Forget everything in {here.state}?", yes=arguments.yes, must_ask=True, json=False)
    here.path.mkdir(parents=True, exist_ok=True, mode=0o700)
    store = Store(here.state)
    azure = Azure(store, Clock())
    with store.transaction():
        # az and others that are signed in stay so.
        key = tokens.signing_key(azure)
        store.wipe()
        tokens.keep_signing_key(azure, key)
        seed.seed(azure)
    store.close()
    sys.stdout.write("the sandbox is as new\n")
    return 0
