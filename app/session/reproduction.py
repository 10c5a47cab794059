"""Files that show something again, written into a folder that a person chose."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath


def plain_names(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files under their last names alone, so that none is written outside the chosen folder."""
    named = {}
    for name, data in files.items():
        last = PureWindowsPath(PurePosixPath(name).name).name
        if last not in ("", ".", ".."):
            named[last] = data
    return named


def taken_names(folder: Path, files: dict[str, bytes]) -> list[str]:
    """Names that there are already in the folder, sorted."""
    return sorted(name for name in plain_names(files) if (folder / name).exists())


def write_files(folder: Path, files: dict[str, bytes], replace: bool = False) -> list[Path]:
    """Write the files; their paths, sorted. Nothing is written where one is there and may not be replaced.

    Raises: FileExistsError naming what is there; OSError where the folder cannot be written."""
    taken = taken_names(folder, files)
    if taken and not replace:
        raise FileExistsError(f"{', '.join(taken)} is already in {folder}")
    written = []
    for name, data in sorted(plain_names(files).items()):
        path = folder / name
        with path.open("wb" if replace else "xb") as stream:
            stream.write(data)
        written.append(path)
    return written
