"""The state of the embedded Azure: JSON documents in one SQLite file.

Several processes may share the file (`sandbox serve` in one, `apply --sandbox` in another), so nothing
is kept in memory between requests and every request runs in one transaction.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from provision.sandbox.http import Json

# named here because `list` is a method inside the class
_Documents = list[Json]
_Keys = list[tuple[str, str]]

AUTHORITY = ("sandbox", "cluster-authority")
"""The document that outlives `wipe`: running servers go on trusting its certificate."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS document (
    kind TEXT NOT NULL COLLATE NOCASE,
    id   TEXT NOT NULL COLLATE NOCASE,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS operation (
    name    TEXT PRIMARY KEY,
    due     REAL NOT NULL,
    settled INTEGER NOT NULL DEFAULT 0,
    body    TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS operation_due ON operation (due) WHERE settled = 0;
CREATE TABLE IF NOT EXISTS note (
    name TEXT PRIMARY KEY,
    body TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS revision (
    one   INTEGER PRIMARY KEY,
    value INTEGER NOT NULL
);
CREATE TRIGGER IF NOT EXISTS document_inserted AFTER INSERT ON document BEGIN
    INSERT INTO revision VALUES (1, 1) ON CONFLICT DO UPDATE SET value = value + 1;
END;
CREATE TRIGGER IF NOT EXISTS document_updated AFTER UPDATE ON document WHEN OLD.body IS NOT NEW.body BEGIN
    INSERT INTO revision VALUES (1, 1) ON CONFLICT DO UPDATE SET value = value + 1;
END;
CREATE TRIGGER IF NOT EXISTS document_deleted AFTER DELETE ON document BEGIN
    INSERT INTO revision VALUES (1, 1) ON CONFLICT DO UPDATE SET value = value + 1;
END;
"""


class Store:
    """Documents by (kind, id), both compared without case, and long operations by name.

    A kind is an ARM resource type (`Microsoft.Network/dnsZones`) or a name of the sandbox's own
    (`principal`, `fault`). An id is the ARM resource id, or whatever names a document of that kind.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = path
        self._db = sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = OFF")  # a sandbox may lose its last second in a power cut
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; a second writer waits."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """All or nothing within a transaction: what an error leaves half done is undone."""
        self._db.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK TO part")
            raise
        finally:
            self._db.execute("RELEASE part")

    def get(self, kind: str, id: str) -> Json | None:  # noqa: A002 - Azure's own word
        text = self.text(kind, id)
        return json.loads(text) if text else None

    def text(self, kind: str, id: str) -> str | None:  # noqa: A002
        """A document as it is stored, for those that keep what they made of it."""
        row = self._db.execute("SELECT body FROM document WHERE kind = ? AND id = ?", (kind, id)).fetchone()
        return row[0] if row else None

    def put(self, kind: str, id: str, body: Json) -> None:  # noqa: A002
        """Create or overwrite. The first spelling of an id is kept, as ARM does."""
        self.put_text(kind, id, json.dumps(body))

    def put_text(self, kind: str, id: str, text: str) -> None:  # noqa: A002
        """`put` what is JSON already, for those that store it more than once."""
        self._db.execute(
            "INSERT INTO document VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
            (kind, id, text),
        )

    def delete(self, kind: str, id: str) -> bool:  # noqa: A002
        """Remove one document; False when there was none."""
        return self._db.execute("DELETE FROM document WHERE kind = ? AND id = ?", (kind, id)).rowcount > 0

    def list(self, kind: str, prefix: str = "", start: int = 0, most: int = -1) -> list[Json]:
        """Documents of a kind whose id begins with `prefix` (no case), ordered by id.

        At most `most` of them, from the one numbered `start` on.
        """
        return [json.loads(text) for _, text in self.texts(kind, prefix, start, most)]

    def texts(self, kind: str, prefix: str = "", start: int = 0, most: int = -1) -> _Keys:
        """(id, document as it is stored) of what `list` finds."""
        return self._db.execute(
            "SELECT id, body FROM document"
            " WHERE kind = ? AND substr(id, 1, ?) = ? COLLATE NOCASE ORDER BY id LIMIT ? OFFSET ?",
            (kind, len(prefix), prefix, most, start),
        ).fetchall()

    def count(self, kind: str, prefix: str = "") -> int:
        """How many documents `list` would give."""
        (found,) = self._db.execute(
            "SELECT count(*) FROM document WHERE kind = ? AND substr(id, 1, ?) = ? COLLATE NOCASE",
            (kind, len(prefix), prefix),
        ).fetchone()
        return int(found)

    def ids(self, prefix: str) -> _Keys:
        """(kind, id) of every document under an id prefix, for deleting a group or a zone whole."""
        rows = self._db.execute(
            "SELECT kind, id FROM document WHERE substr(id, 1, ?) = ? COLLATE NOCASE ORDER BY id",
            (len(prefix), prefix),
        )
        return [(kind, id_) for kind, id_ in rows]

    def revision(self) -> int:
        """A number that another one follows as soon as any document differs, whichever process wrote it."""
        row = self._db.execute("SELECT value FROM revision").fetchone()
        return int(row[0]) if row else 0

    def note(self, name: str) -> Json | None:
        """What a service wrote down for itself beside the documents, without another revision."""
        row = self._db.execute("SELECT body FROM note WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else None

    def put_note(self, name: str, body: Json) -> None:
        self._db.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (name, json.dumps(body)))

    def put_operation(self, name: str, due: float, body: Json) -> None:
        self._db.execute(
            "INSERT INTO operation (name, due, body) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET due = excluded.due, body = excluded.body",
            (name, due, json.dumps(body)),
        )

    def get_operation(self, name: str) -> Json | None:
        row = self._db.execute("SELECT body FROM operation WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else None

    def due_operations(self, now: float) -> _Documents:
        """Operations that end by `now` and whose effect was not written yet, oldest first."""
        rows = self._db.execute(
            "SELECT body FROM operation WHERE settled = 0 AND due <= ? ORDER BY due", (now,)
        )
        return [json.loads(body) for (body,) in rows]

    def settle_operation(self, name: str, body: Json) -> None:
        self._db.execute(
            "UPDATE operation SET settled = 1, body = ? WHERE name = ?", (json.dumps(body), name)
        )

    def running_operations(self) -> _Documents:
        rows = self._db.execute("SELECT body FROM operation WHERE settled = 0 ORDER BY due")
        return [json.loads(body) for (body,) in rows]

    def wipe(self) -> None:
        """Forget everything but the clusters' certificate authority."""
        self._db.execute("DELETE FROM document WHERE NOT (kind = ? AND id = ?)", AUTHORITY)
        self._db.execute("DELETE FROM operation")

    def dump(self) -> dict[str, Any]:
        """Every document by kind and id, for `sandbox status` and tests."""
        rows = self._db.execute("SELECT kind, id, body FROM document ORDER BY kind, id")
        found: dict[str, Any] = {}
        for kind, id_, body in rows:
            found.setdefault(kind, {})[id_] = json.loads(body)
        return found
