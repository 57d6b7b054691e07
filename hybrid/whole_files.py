"""Files that are written whole or not at all: certificates, drawings, models with their cards, checkpoints."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path


def write_whole(contents: Mapping[str | os.PathLike[str], bytes]) -> None:
    """Replace files, each in one step: no reader, crash, full disk or interrupt ever leaves half of one.

    All contents are on the disk, under names of their own beside the files, before the first file is replaced. What
    fails or is interrupted before that leaves every file as it was; a process that is killed may leave a name
    `.hybrid-….partial` behind. A link is followed, so that it stays one.

    Args:
        contents: path → content. Others may write the same files at the same time: the last one wins.

    Raises:
        OSError: a place cannot be written to, is a directory or device, or the disk is full.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole({Path(folder, "a.json"): b"{}"})
    ...     [file.name for file in Path(folder).iterdir()]
    ['a.json']
    """
    partials: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            target = Path(os.path.realpath(path))
            if target.exists() and not target.is_file():  # a device would be replaced by a file
                raise OSError(errno.EINVAL, "not a regular file", str(path))
            partial = target.with_name(f".hybrid-{os.urandom(8).hex()}.partial")
            partials[partial] = target
            with partial.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # some disks say only now that they are full
        for partial, target in partials.items():
            os.replace(partial, target)
    finally:
        for partial in partials:
            partial.unlink(missing_ok=True)
