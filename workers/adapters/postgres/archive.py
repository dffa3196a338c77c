"""A backup file read whole: its layers, its checksum, its end."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import zstandard

from commands.domain.errors import BackupInvalidError
from workers.adapters import notes, regular_file

CUSTOM = b"PGDMP"
"""How an archive of pg_dump's own format begins (pg_backup_archiver.c)."""

_READ_BYTES = 256 * 1024
_ZSTD, _GZIP = b"\x28\xb5\x2f\xfd", b"\x1f\x8b"
_GZIP_WINDOW = 31


class _Layer(Protocol):
    """A decompressor of one frame: zlib's and zstandard's are alike."""

    @property
    def eof(self) -> bool:
        """Whether the frame has ended."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What came after its end."""
        ...

    def decompress(self, data: bytes, /) -> bytes:
        """What can be said so far."""
        ...


def blocks(path: Path) -> Iterator[bytes]:
    """What a backup holds, decompressed, in order; to the end it is also the proof of the file.

    Raises BackupInvalidError: `missing`, `empty`, `size`, `checksum` (against its note),
    `truncated`, `garbled`.
    """
    note, digest = notes.read(path), sha256()
    try:
        with regular_file.opened(path, is_link_good=True) as file:
            size = os.fstat(file.fileno()).st_size
            if size == 0:
                raise BackupInvalidError(path.name, "empty")
            if note is not None and note.size_bytes != size:
                raise BackupInvalidError(path.name, "size", f"{size}/{note.size_bytes}")

            def raw() -> Iterator[bytes]:
                while chunk := file.read(_READ_BYTES):
                    digest.update(chunk)
                    yield chunk

            yield from _peeled(path.name, raw())
    except OSError as error:
        raise BackupInvalidError(path.name, "missing", error.strerror or "") from error
    if note is not None and note.sha256 and note.sha256 != digest.hexdigest():
        raise BackupInvalidError(path.name, "checksum", digest.hexdigest()[:12])


def _peeled(name: str, raw: Iterator[bytes]) -> Iterator[bytes]:
    first = next(raw, b"")
    make: Callable[[], _Layer]
    if first.startswith(_ZSTD):
        make = zstandard.ZstdDecompressor().decompressobj
    elif first.startswith(_GZIP):
        make = lambda: zlib.decompressobj(_GZIP_WINDOW)  # noqa: E731 -- as the branch above
    else:
        yield first
        yield from raw
        return
    layer, is_begun = make(), False
    for chunk in (c for part in ((first,), raw) for c in part):
        rest = chunk
        while rest:
            if layer.eof:
                # Compressed in pieces (pigz, pzstd): one frame behind another.
                layer = make()
            is_begun = True
            try:
                said = layer.decompress(rest)
            except (zlib.error, zstandard.ZstdError) as error:
                raise BackupInvalidError(name, "garbled", str(error)) from error
            if said:
                yield said
            rest = layer.unused_data if layer.eof else b""
    if not is_begun or not layer.eof:
        raise BackupInvalidError(name, "truncated")
