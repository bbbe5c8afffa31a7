"""Errors as kubectl prints them. Source: k8s.io/kubectl `pkg/cmd/util/helpers.go`, 1.32."""

from __future__ import annotations

from provision.sandbox.http import Json


class KubectlError(Exception):
    """What kubectl writes to standard error, whole; it ends with status 1."""


class ServerError(KubectlError):
    """A `Status` of the API server. `doing` is put before its message: `error when creating "f.yaml"`."""

    def __init__(self, status: Json, doing: str = "") -> None:
        super().__init__(_worded(status, doing))
        self.status = status

    @property
    def reason(self) -> str:
        return str(self.status.get("reason", ""))

    def while_(self, doing: str) -> ServerError:
        """The same, with what kubectl was doing."""
        return ServerError(self.status, doing)


def no_type(name: str) -> KubectlError:
    return KubectlError(f"error: the server doesn't have a resource type {quoted(name)}")


def quoted(text: str) -> str:
    """Go's `%q`, for the names that occur here."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _worded(status: Json, doing: str) -> str:
    message, reason = str(status.get("message", "")), status.get("reason", "")
    if reason == "Unauthorized":
        return f"error: You must be logged in to the server ({message})"
    if reason == "Invalid":
        return _invalid(status)
    message = f"{doing}: {message}" if doing else message
    return f"Error from server ({reason}): {message}" if reason else f"Error from server: {message}"


def _invalid(status: Json) -> str:
    details = status.get("details") or {}
    causes = details.get("causes") or []
    if details.get("kind") or details.get("name"):
        said = f"The {details.get('kind', '')} {quoted(details.get('name', ''))} is invalid"
    else:
        said = "The request is invalid" + (f": {status.get('message', '')}" if not causes else "")
    texts = list(dict.fromkeys(f"{cause.get('field', '')}: {cause.get('message', '')}" for cause in causes))
    if len(texts) > 1:
        return said + ": \n" + "\n".join(f"* {text}" for text in texts)
    return said + (f": {texts[0]}" if texts else "")
