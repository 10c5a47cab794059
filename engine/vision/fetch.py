"""Downloads: with a progress line, resumed where they broke off, checked by their sums."""

from __future__ import annotations

import hashlib
import sys
import urllib.error
import urllib.request
from pathlib import Path

CHUNK = 1 << 16


def md5_of(path: str | Path) -> str:
    """The MD5 sum of a file, as hexadecimal."""
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def sha256_of(path: str | Path) -> str:
    """The SHA-256 sum of a file, as hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_whole(path: str | Path, md5: str | None) -> bool:
    """True when the file is there and has this sum (any, if none is known)."""
    return Path(path).is_file() and (md5 is None or md5_of(path) == md5)


def fetch(urls: list[str], path: str | Path, md5: str | None = None, sha256_start: str = "",
          progress: bool = True) -> Path:
    """The file at `path`, downloaded from the first of `urls` that answers unless it is there already.

    Raises: RuntimeError naming the file and where to put it, when no address answers or the sum is wrong."""
    path = Path(path)
    if is_whole(path, md5):
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    reasons = []
    for url in urls:
        try:
            _download(url, part, progress)
        except (urllib.error.URLError, OSError) as e:
            reasons.append(f"{url}: {getattr(e, 'reason', e)}")
            continue
        if (
            md5 is not None
            and md5_of(part) != md5
            or sha256_start
            and not sha256_of(part).startswith(sha256_start)
        ):
            part.unlink()
            reasons.append(f"{url}: the file that came has another checksum")
            continue
        part.replace(path)
        return path
    raise RuntimeError(f"{path.name} could not be downloaded "
                       f"({'; '.join(reasons) or 'no address is known'}). With no "
                       f"network: fetch {urls[0] if urls else path.name} elsewhere and put it at {path}")


def _download(url: str, part: Path, progress: bool) -> None:
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "gradwalk"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=30) as answer:
        if answer.status != 206:
            have = 0
        total = have + int(answer.headers.get("Content-Length") or 0)
        with open(part, "ab" if have else "wb") as file:
            while block := answer.read(CHUNK):
                file.write(block)
                have += len(block)
                if progress:
                    shown = f"{have / total:4.0%}" if total else f"{have:,} bytes"
                    sys.stderr.write(f"\r{part.stem} {shown}")
    if progress:
        sys.stderr.write("\n")
