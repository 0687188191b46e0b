"""Candidates by name, version and interval of validity: which payload belongs to a run, or to a time.

A registry is a database: an SQLite file, or whatever SQLAlchemy has a driver for. It is only ever added to.
"""

from qcompress.registry.entries import Entry, Valid
from qcompress.registry.finding import folder_of
from qcompress.registry.store import Registry
from qcompress.registry.validity import Interval, Place

__all__ = ["Entry", "Interval", "Place", "Registry", "Valid", "folder_of"]
