"""Ways in which the queue's file is lost or damaged; each takes the checkpoints folder."""

import sqlite3

from core.jobs import queue_db


def rm_queue(checkpoints):
    for path in checkpoints.glob("queue.sqlite*"):
        path.unlink()


def damage_a_page(checkpoints):
    """Bytes in the middle of a table's page, where only whoever looks at every page sees them."""
    path = checkpoints / "queue.sqlite"
    data = bytearray(path.read_bytes())
    size = int.from_bytes(data[16:18], "big")
    for page in range(1, len(data) // size):
        data[page * size : page * size + 64] = b"\xa5" * 64
    path.write_bytes(bytes(data))


def damage_the_header(checkpoints):
    (checkpoints / "queue.sqlite").write_bytes(b"this is no database" * 100)


def damage_a_statement(checkpoints):
    """A byte that is no text where SQLite quotes the file in its error."""
    path = checkpoints / "queue.sqlite"
    data = path.read_bytes()
    assert b"UNIQUE INDEX" in data
    path.write_bytes(data.replace(b"UNIQUE INDEX", b"\xa4NIQUE INDEX"))


def damage_a_name(checkpoints):
    """A byte that is no text in the row of the last job."""
    with sqlite3.connect(checkpoints / "queue.sqlite") as connection:
        connection.execute("UPDATE jobs SET spec = CAST(x'a4' AS TEXT) WHERE rowid = (SELECT MAX(rowid) FROM jobs)")
    connection.close()


def another_table(checkpoints):
    rm_queue(checkpoints)
    with sqlite3.connect(checkpoints / "queue.sqlite") as connection:
        connection.execute("CREATE TABLE jobs (name TEXT)")
        connection.execute(f"PRAGMA user_version = {queue_db.SCHEMA_VERSION}")
    connection.close()


def an_older_version(checkpoints):
    rm_queue(checkpoints)
    with sqlite3.connect(checkpoints / "queue.sqlite") as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(
            "CREATE TABLE jobs (name TEXT PRIMARY KEY, spec TEXT NOT NULL, dataset TEXT NOT NULL, lane TEXT NOT NULL,"
            " state TEXT NOT NULL, pid INTEGER, started REAL, queued REAL NOT NULL)"
        )
        connection.execute("PRAGMA user_version = 1")
    connection.close()


HARMS = (
    rm_queue, damage_a_page, damage_a_statement, damage_a_name, damage_the_header, another_table, an_older_version,
)  # fmt: skip
