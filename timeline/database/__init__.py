"""Connections that keep the record's promises on SQLite and PostgreSQL, and what their errors mean to a person.

Two engines for one database: one writes, the other cannot. On SQLite a single connection does every commit and
every checkpoint (SQLite before 3.51.3 can corrupt its write-ahead log otherwise), and each transaction begins in
words, because the driver of Python 3.11 begins them too late and loses updates.
"""

from timeline.database.driver import FEW, PIPELINED, Glance, directly, insert_rows
from timeline.database.engines import (
    FORGOTTEN_SECONDS,
    RESTED_SECONDS,
    database_url,
    missing_file,
    reading_engine,
    session_engine,
    writing_engine,
)
from timeline.database.sqlite import copy_of_sqlite
from timeline.database.trouble import broken_constraint, broken_table, plainly
from timeline.database.turns import Turns

__all__ = [
    "FEW",
    "FORGOTTEN_SECONDS",
    "PIPELINED",
    "RESTED_SECONDS",
    "Glance",
    "Turns",
    "broken_constraint",
    "broken_table",
    "copy_of_sqlite",
    "database_url",
    "directly",
    "insert_rows",
    "missing_file",
    "plainly",
    "reading_engine",
    "session_engine",
    "writing_engine",
]
