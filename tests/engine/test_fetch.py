"""Downloads from a server of this process: whole, resumed, refused by their sum; folders of pictures."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.vision import datasets, transforms
from engine.vision.fetch import fetch

BODY = bytes(range(256)) * 1000
MD5 = hashlib.md5(BODY, usedforsecurity=False).hexdigest()


class Answering(BaseHTTPRequestHandler):
    """Serves BODY, from where a Range asks for it; remembers what was asked."""

    asked: list[str | None] = []

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.asked.append(wanted)
        start = int(wanted[6:].split("-")[0]) if wanted else 0
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(BODY) - start))
        self.end_headers()
        self.wfile.write(BODY[start:])

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    Answering.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/file.bin"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_file_comes_whole_and_is_not_fetched_again(url: str, tmp_path: Path) -> None:
    path = tmp_path / "below" / "file.bin"
    assert fetch([url], path, MD5, progress=False) == path
    assert path.read_bytes() == BODY
    fetch([url], path, MD5, progress=False)
    assert Answering.asked == [None]


def test_a_broken_download_goes_on_where_it_stopped(url: str, tmp_path: Path) -> None:
    (tmp_path / "file.bin.part").write_bytes(BODY[:70_000])
    assert fetch([url], tmp_path / "file.bin", MD5, progress=False).read_bytes() == BODY
    assert Answering.asked == ["bytes=70000-"]
    assert not (tmp_path / "file.bin.part").exists()


def test_progress_is_told_on_standard_error(url: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    fetch([url], tmp_path / "file.bin", MD5)
    assert "100" in capsys.readouterr().err


def test_a_wrong_sum_is_refused_and_says_where_to_put_the_file(url: str, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="another checksum.*put it at") as e:
        fetch([url], tmp_path / "file.bin", "0" * 32, progress=False)
    assert str(tmp_path / "file.bin") in str(e.value)
    assert list(tmp_path.iterdir()) == []


def test_the_second_address_is_tried_when_the_first_is_silent(url: str, tmp_path: Path) -> None:
    dead = "http://127.0.0.1:9/file.bin"
    assert fetch([dead, url], tmp_path / "file.bin", MD5, progress=False).read_bytes() == BODY


def test_a_folder_of_pictures_is_a_data_set(tmp_path: Path) -> None:
    for name, grey in (("dog", 200), ("cat", 100)):
        (tmp_path / name).mkdir()
        Image.fromarray(np.full((2, 3, 3), grey, np.uint8)).save(tmp_path / name / "a.png")
    found = datasets.ImageFolder(str(tmp_path), transforms.ToTensor())
    assert found.classes == ["cat", "dog"]
    picture, label = found[1]
    assert (tuple(picture.shape), label) == ((3, 2, 3), 1)
    assert picture.unique().tolist() == [pytest.approx(200 / 255)]


def test_made_up_pictures_are_the_same_each_time() -> None:
    data = datasets.FakeData(4, (3, 2, 2), 10, transform=transforms.ToTensor())
    assert len(data) == 4
    assert data[2][0].tolist() == data[2][0].tolist() != data[3][0].tolist()
    assert 0 <= data[2][1] < 10
