"""What the commands of one kubectl process share: arguments, client, output, and the objects meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from provision.sandbox.http import Json
from provision.sandbox.kubectl import output
from provision.sandbox.kubectl.arguments import Arguments
from provision.sandbox.kubectl.client import Client, Resource
from provision.sandbox.kubectl.errors import KubectlError
from provision.sandbox.kubectl.manifests import documents
from provision.sandbox.shell.process import Process


@dataclass(frozen=True, slots=True)
class Target:
    """One object that a command is about, or, without a name, all of a type."""

    resource: Resource
    namespace: str
    name: str = ""

    @property
    def path(self) -> str:
        return self.resource.path(self.namespace, self.name)


@dataclass(frozen=True, slots=True)
class Session:
    process: Process
    arguments: Arguments
    client: Client

    @property
    def form(self) -> str:
        """`-o`."""
        return self.arguments.flags.get("output", "")

    @property
    def query(self) -> dict[str, str]:
        """`dryRun` as the flag says."""
        return {"dryRun": "All"} if self.arguments.dry_run == "server" else {}

    def done(self, document: Json, verb: str) -> None:
        """`configmap/a created`, or the object when `-o` asks for it."""
        if self.form:
            self.show(document)
            return
        suffix = {"none": "", "client": " (dry run)", "server": " (server dry run)"}[self.arguments.dry_run]
        self.process.write(f"{output.name_of(document)} {verb}{suffix}\n")

    def show(self, document: Json) -> None:
        """The object as `-o` asks."""
        kept = self.arguments.has("show-managed-fields")
        self.process.write(output.rendered(document, self.form, managed_fields=kept))

    def manifests(self, verb: str) -> list[tuple[str, Json]]:
        """(source, object) of every `-f`."""
        if not self.arguments.files:
            raise KubectlError("error: must specify one of -f and -k")
        found = documents(self.process, self.arguments.files)
        if not found:
            raise KubectlError(f"error: no objects passed to {verb}")
        return found

    def place(self, document: Json, source: str) -> tuple[Resource, str]:
        """The resource and namespace of a manifest; it may not contradict `-n`."""
        resource = self.client.of_object(document, source)
        given = (document.get("metadata") or {}).get("namespace", "")
        asked = self.arguments.flags.get("namespace", "")
        if not resource.namespaced:
            return resource, ""
        if given and asked and given != asked:
            raise KubectlError(
                f'error: the namespace from the provided object "{given}" does not match the namespace'
                f" \"{asked}\". You must pass '--namespace={given}' to perform this operation."
            )
        return resource, given or self.arguments.namespace

    def targets(self, words: list[str]) -> Iterator[Target]:
        """`TYPE`, `TYPE,TYPE`, `TYPE NAME…` or `TYPE/NAME…`."""
        namespace = "" if self.arguments.has("all-namespaces") else self.arguments.namespace
        if not words:
            raise KubectlError(
                'You must specify the type of resource to get. Use "kubectl api-resources" for a complete'
                " list of supported resources.\n\nerror: Required resource not specified.\n"
                'Use "kubectl explain <resource>" for a detailed description of that resource (e.g. kubectl'
                " explain pods).\nSee 'kubectl get -h' for help and examples"
            )
        if any("/" in word for word in words):
            for word in words:
                kind, slash, name = word.partition("/")
                if not slash or not name:
                    raise KubectlError(
                        "error: there is no need to specify a resource type as a separate argument when"
                        " passing arguments in resource/name form (e.g. 'kubectl get"
                        " resource/<resource_name>' instead of 'kubectl get resource"
                        " resource/<resource_name>'"
                    )
                yield self._target(self.client.find(kind), namespace, name)
            return
        for kind in words[0].split(","):
            matching = self.client.matching(kind) or [self.client.find(kind)]
            for resource in matching:
                for name in words[1:] or [""]:
                    yield self._target(resource, namespace, name)

    def _target(self, resource: Resource, namespace: str, name: str) -> Target:
        if name and not namespace and resource.namespaced:
            raise KubectlError("error: a resource cannot be retrieved by name across all namespaces")
        return Target(resource, namespace if resource.namespaced else "", name)

    def expanded(self, words: list[str]) -> Iterator[Target]:
        """The objects meant by a type with `-l` or `--all`, else by their names."""
        for target in self.targets(words):
            if target.name:
                yield target
                continue
            selector = self.arguments.flags.get("selector", "")
            if not selector and not self.arguments.has("all"):
                raise KubectlError("error: resource(s) were provided, but no name was specified")
            query = {"labelSelector": selector} if selector else {}
            for item in self.client.send("GET", target.path, query=query)["items"]:
                metadata = item["metadata"]
                yield Target(target.resource, metadata.get("namespace", ""), metadata["name"])
