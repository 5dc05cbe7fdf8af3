"""The database of a collection: its tables, how it is opened, and what its errors mean.

The main table has one row a song, keyed by its path in bytes. The R*Tree `place` holds the songs that can be played by
their place in the plane: those whose files are there and not wholly silent; triggers keep it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from emodj_live.errors import LibraryError

APPLICATION_ID = 0x456D444A  # "EmDJ"
VERSION = 1
TIMEOUT = 30.0  # [s] to wait for another program that writes
_OLDEST_SQLITE = 3, 35  # the first with RETURNING

_TABLES = """
CREATE TABLE song(
  id INTEGER PRIMARY KEY,
  path BLOB NOT NULL UNIQUE,
  size INTEGER NOT NULL,      -- [bytes] of the file, as with mtime when it was listened to
  mtime INTEGER NOT NULL,     -- [ns]
  content BLOB NOT NULL,      -- digest of the file's bytes
  model TEXT NOT NULL,        -- digest of the model file that listened
  is_missing INTEGER NOT NULL DEFAULT 0,
  title TEXT, artist TEXT, album TEXT,
  duration REAL NOT NULL, valence REAL NOT NULL, arousal REAL NOT NULL,
  valence_std REAL NOT NULL, arousal_std REAL NOT NULL, valence_rank REAL, arousal_rank REAL,
  quadrant TEXT NOT NULL, certainty REAL,
  happy REAL NOT NULL, tense REAL NOT NULL, sad REAL NOT NULL, calm REAL NOT NULL,  -- shares
  level REAL NOT NULL, silence REAL NOT NULL);
CREATE INDEX song_content ON song(content);
CREATE INDEX song_size ON song(size, mtime);
CREATE INDEX song_artist ON song(artist COLLATE NOCASE);
CREATE TABLE arc(
  song INTEGER PRIMARY KEY REFERENCES song ON DELETE CASCADE,
  points BLOB NOT NULL);      -- valence and arousal every 0.5 s: float16, little-endian, (n, 2)
CREATE TABLE failure(
  path BLOB PRIMARY KEY,
  size INTEGER NOT NULL, mtime INTEGER NOT NULL, model TEXT NOT NULL,
  decoders TEXT,              -- what could not decode the file; NULL if the file could not even be read
  reason TEXT NOT NULL);
CREATE VIRTUAL TABLE place USING rtree(id, min_valence, max_valence, min_arousal, max_arousal);
CREATE TRIGGER song_added AFTER INSERT ON song WHEN NOT new.is_missing AND new.silence < 1 BEGIN
  INSERT INTO place VALUES (new.id, new.valence, new.valence, new.arousal, new.arousal);
END;
CREATE TRIGGER song_changed AFTER UPDATE OF id, is_missing, silence, valence, arousal ON song BEGIN
  DELETE FROM place WHERE id = old.id;
  INSERT INTO place SELECT new.id, new.valence, new.valence, new.arousal, new.arousal
    WHERE NOT new.is_missing AND new.silence < 1;
END;
CREATE TRIGGER song_removed AFTER DELETE ON song BEGIN
  DELETE FROM place WHERE id = old.id;
END;
"""

_SENTENCES = {  # what SQLite says, and what that means
    "locked": "is in use by another program for too long; try again when that has ended",
    "readonly": "cannot be written to; change its permissions, or choose another file with --db",
    "full": "the disk is full; what is in the index is safe, so make room and run the command again",
    "not a database": "is not a database; choose another file with --db",
    "malformed": "is damaged; restore a copy of it, or move it away and scan again",
    "unable to open": "cannot be opened; check the folder and its permissions, or choose another file with --db",
    "disk I/O error": "cannot be read or written: the disk reports an error; check the disk",
    "no such module: rtree": "needs SQLite with R*Tree, which this Python's lacks; use another build of Python",
}


def default_database() -> Path:
    """Return the database that is used if none is named: in the user's data folder.

    Returns
    -------
    Path
    """
    import platformdirs

    return platformdirs.user_data_path("emodj-live", appauthor=False) / "library.db"


@contextmanager
def errors_of(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into one sentence.

    Parameters
    ----------
    path : Path
        Of the database.

    Raises
    ------
    LibraryError
        If the code inside the ``with`` statement fails because of the database.
    """
    try:
        yield
    except sqlite3.ProgrammingError:  # the calling program's mistake
        raise
    except sqlite3.DatabaseError as error:
        said = str(error)
        for part, sentence in _SENTENCES.items():
            if part in said:
                raise LibraryError(f"{path}: {sentence}.") from error
        raise LibraryError(f"{path}: cannot be used: {said.rstrip('.')}.") from error


def connect(path: Path, *, read_only: bool, timeout: float) -> sqlite3.Connection:
    """Open a database, and create it if it is to be written to.

    Parameters
    ----------
    path : Path
    read_only : bool
        Whether nothing will be written.
    timeout : float
        How long to wait while another program writes [s].

    Returns
    -------
    sqlite3.Connection
        Without implicit transactions.

    Raises
    ------
    LibraryError
        If it cannot be opened, or is not a library that this version of the program can use.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise LibraryError(f"SQLite {sqlite3.sqlite_version} is too old; use a Python with SQLite 3.35 or newer.")
    try:
        _check_place(path, read_only=read_only)
    except PermissionError as error:
        raise LibraryError(f"{path}: cannot be looked at: {error.strerror}; use --db for another place.") from error
    with errors_of(path):
        connection = _open(path, read_only=read_only, timeout=timeout)
        try:
            connection.row_factory = sqlite3.Row
            if not read_only:
                _set_up(connection)
            _check(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def _check_place(path: Path, *, read_only: bool) -> None:
    if path.is_dir():
        raise LibraryError(f"{path}: is a folder; give the path of a file for the index.")
    if path.exists():
        if not path.is_file():
            raise LibraryError(f"{path}: is a device or a pipe; give the path of a file for the index.")
        if not (read_only or os.access(path, os.W_OK)):  # SQLite would notice no sooner than at the first song
            raise LibraryError(f"{path}: {_SENTENCES['readonly']}.")
        return
    if read_only:
        raise LibraryError(f"{path}: there is no index yet; make one with: emodj-library scan FOLDER.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LibraryError(f"{path.parent}: cannot be created: {error.strerror or error}.") from error


def _open(path: Path, *, read_only: bool, timeout: float) -> sqlite3.Connection:
    options = "mode=ro" if read_only else "mode=rwc"
    if read_only and not os.access(path.parent, os.W_OK) and not Path(f"{path}-wal").exists():
        options = "immutable=1"  # a log cannot be made there, and if nobody can write, none is needed
    uri = f"{path.absolute().as_uri()}?{options}"
    return sqlite3.connect(uri, uri=True, timeout=timeout, isolation_level=None, check_same_thread=False)


def _set_up(connection: sqlite3.Connection) -> None:
    """Create the tables in an empty database, unless another program is faster."""
    if _is_empty(connection):
        with suppress(sqlite3.OperationalError):  # another program does the same at this moment, or the disk has no WAL
            connection.execute("PRAGMA journal_mode = WAL")
    with transaction(connection):  # even if there is nothing to create: it shows whether the file can be written to
        if _is_empty(connection):
            for statement in _statements(_TABLES):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("PRAGMA synchronous = NORMAL")  # what is committed survives the program's end, however it ends
    connection.execute("PRAGMA foreign_keys = ON")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write everything inside the ``with`` statement, or nothing; no other program writes meanwhile.

    Parameters
    ----------
    connection : sqlite3.Connection
        Without a transaction so far.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite ends it itself if the disk is full
            connection.execute("ROLLBACK")
        raise


def _is_empty(connection: sqlite3.Connection) -> bool:
    return not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def _statements(script: str) -> Iterator[str]:
    """Cut a script into statements, because ``executescript`` would end the transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _check(connection: sqlite3.Connection, path: Path) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION_ID or _is_empty(connection):
        raise LibraryError(f"{path}: is a database, but not a library of songs; choose another file with --db.")
    if version > VERSION:
        raise LibraryError(
            f"{path}: was written by a newer version of emodj-live (format {version}, this one reads {VERSION}); "
            "update emodj-live, or choose another file with --db."
        )
