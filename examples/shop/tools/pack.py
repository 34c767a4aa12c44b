"""Packs folders and zips into one zip that Python can import or run.

    pack.py TARGET SOURCE...

The bytes depend on the packed files alone, not on dates or the order of a
listing: the same sources give the same output, on every machine.
"""

import sys
import zipfile
from pathlib import Path


def members(source):
    """Name and content of everything in a folder or a zip."""
    if source.is_dir():
        for path in source.rglob("*.py"):
            yield path.relative_to(source).as_posix(), path.read_bytes()
    else:
        with zipfile.ZipFile(source) as packed:
            for name in packed.namelist():
                yield name, packed.read(name)


def pack(target, sources):
    files = dict(file for source in sources for file in members(source))
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w") as packed:
        for name, content in sorted(files.items()):
            packed.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)


if __name__ == "__main__":
    pack(Path(sys.argv[1]), [Path(argument) for argument in sys.argv[2:]])
