"""The files a script sees: those of the command's context and what it writes itself, all in memory."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Mapping

HOME = "/command-files"
"""Where a script begins and the context's files lie."""

_NULL = "/dev/null"


class Files:
    """Contents by absolute path. A file is a `bytearray`, so that a redirection writes straight into it."""

    def __init__(self, context: Mapping[str, bytes]) -> None:
        self._contents = {posixpath.join(HOME, name): bytearray(content) for name, content in context.items()}
        self._folders = {"/", "/tmp", HOME}  # noqa: S108 - a folder of the script's, not of the machine
        for path in self._contents:
            self._add_parents(path)

    def read(self, folder: str, name: str) -> bytes:
        """Raises `FileNotFoundError` or `IsADirectoryError`."""
        path = _absolute(folder, name)
        if path == _NULL:
            return b""
        if path in self._folders:
            raise IsADirectoryError(name)
        if path not in self._contents:
            raise FileNotFoundError(name)
        return bytes(self._contents[path])

    def open(self, folder: str, name: str, *, append: bool) -> bytearray:
        """The file to write into, emptied unless `append`; raises as `read` when its folder is missing."""
        path = _absolute(folder, name)
        if path == _NULL:
            return bytearray()
        if path in self._folders:
            raise IsADirectoryError(name)
        if posixpath.dirname(path) not in self._folders:
            raise FileNotFoundError(name)
        if not append:
            self._contents[path] = bytearray()
        return self._contents.setdefault(path, bytearray())

    def remove(self, folder: str, name: str) -> None:
        """Raises `FileNotFoundError`."""
        if self._contents.pop(_absolute(folder, name), None) is None:
            raise FileNotFoundError(name)

    def make_folder(self, folder: str, name: str, *, parents: bool) -> None:
        """Raises `FileExistsError` or `FileNotFoundError`, unless `parents`."""
        path = _absolute(folder, name)
        if not parents and (path in self._folders or path in self._contents):
            raise FileExistsError(name)
        if not parents and posixpath.dirname(path) not in self._folders:
            raise FileNotFoundError(name)
        self._folders.add(path)
        self._add_parents(path)

    def folder(self, folder: str, name: str) -> str | None:
        """The absolute path of a folder, None when there is none."""
        path = _absolute(folder, name)
        return path if path in self._folders else None

    def exists(self, folder: str, name: str) -> bool:
        path = _absolute(folder, name)
        return path in self._contents or path in self._folders or path == _NULL

    def names(self, folder: str) -> list[str]:
        """What lies directly in a folder (an absolute path), sorted."""
        inside = [*self._contents, *(path for path in self._folders if path != "/")]
        return sorted({posixpath.basename(path) for path in inside if posixpath.dirname(path) == folder})

    def matching(self, folder: str, pattern: str) -> list[str]:
        """Names that a pattern of the shell stands for, spelled as the pattern is; none when none match."""
        head, tail = posixpath.split(pattern)
        place = self.folder(folder, head)
        if place is None:
            return []
        names = [name for name in self.names(place) if not name.startswith(".") or tail.startswith(".")]
        return [posixpath.join(head, name) for name in fnmatch.filter(names, tail)]

    def _add_parents(self, path: str) -> None:
        while path != "/":
            path = posixpath.dirname(path)
            self._folders.add(path)


def _absolute(folder: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(folder, name))
