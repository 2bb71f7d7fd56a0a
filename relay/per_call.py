"""Dataclasses of which each call makes some. Frozen for the type checker, and not at run time.

Freezing makes `__init__` call `object.__setattr__` for each field, which takes 0.1 us: twenty times an assignment. A
call has a hundred of them. mypy sees `dataclasses.dataclass` by another name, and refuses to assign.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as record
else:
    from dataclasses import dataclass

    def record(*, frozen, **options):
        """Like `dataclass`; equal ones have equal hashes, as frozen ones have."""
        return dataclass(unsafe_hash=frozen, **options)


__all__ = ["record"]
