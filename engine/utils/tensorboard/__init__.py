"""torch.utils.tensorboard: SummaryWriter, which writes the event files that TensorBoard shows.

event_file.py  the format of the file
May import: the engine's tensors.
"""

from __future__ import annotations

import io
import os
import socket
import warnings
from datetime import datetime
from typing import Any

import numpy as np

from engine.autograd import modes
from engine.utils.tensorboard.event_file import EventFile, field, single

__all__ = ["SummaryWriter"]


class SummaryWriter:
    """Writes scalars, histograms, images and texts to event files in `log_dir`.

    Source: torch.utils.tensorboard.SummaryWriter. Graphs and embeddings are passed over with a warning.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
    ) -> None:
        if not log_dir:
            now = datetime.now().strftime("%b%d_%H-%M-%S")
            log_dir = os.path.join("runs", f"{now}_{socket.gethostname()}{comment}")
        self.log_dir = os.fspath(log_dir)
        self._suffix = filename_suffix
        self._files: dict[str, EventFile] = {}
        self._file(self.log_dir)

    def _file(self, folder: str) -> EventFile:
        if folder not in self._files:
            self._files[folder] = EventFile(folder, self._suffix)
        return self._files[folder]

    def get_logdir(self) -> str:
        """The folder that is written to."""
        return self.log_dir

    def _add(self, value: bytes, step: int | None, when: float | None) -> None:
        self._file(self.log_dir).add([value], step, when)

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """One point of a curve."""
        value = float(scalar_value)
        told = getattr(modes.observer, "scalar_logged", None)
        if told is not None:
            told(tag, value, global_step)
        self._add(field(1, tag) + single(2, value), global_step, walltime)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: dict[str, Any],
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """One point of several curves in one picture; each has a folder of its own."""
        for tag, value in tag_scalar_dict.items():
            folder = os.path.join(self.log_dir, main_tag.replace("/", "_") + "_" + tag)
            self._file(folder).add([field(1, main_tag) + single(2, float(value))], global_step, walltime)

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: int | None = None,
        bins: Any = "tensorflow",
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """How the values are spread."""
        data = _array(values).astype(np.float64).reshape(-1)
        if data.size == 0:
            raise ValueError("The input has no element.")
        edges: Any = _edges() if bins == "tensorflow" else bins
        counts, limits = np.histogram(data, bins=edges)
        used = np.nonzero(counts)[0]
        first, last = max(int(used[0]) - 1, 0) if used.size else 0, int(used[-1]) + 1 if used.size else 1
        content = field(1, float(data.min())) + field(2, float(data.max())) + field(3, float(data.size))
        content += field(4, float(data.sum())) + field(5, float(data @ data))
        content += field(6, limits[first + 1 : last + 1].tolist()) + field(
            7, counts[first:last].astype(float).tolist()
        )
        self._add(field(1, tag) + field(5, content), global_step, walltime)

    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:
        """One picture; floats count from 0 to 1, integers from 0 to 255."""
        a = _array(img_tensor)
        if len(dataformats) != a.ndim:
            raise ValueError(
                f"size of input tensor and input format are different. tensor shape: {a.shape}, "
                f"input_format: {dataformats}"
            )
        if dataformats.upper() == "HW":
            a = a[:, :, None]
        else:
            a = a.transpose([dataformats.upper().index(axis) for axis in "HWC"])
        self._picture(tag, a, global_step, walltime)

    def add_images(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:
        """Several pictures, side by side in a grid."""
        a = _array(img_tensor)
        a = a.transpose([dataformats.upper().index(axis) for axis in "NHWC"])
        count = len(a)
        columns = min(count, 8)
        rows = -(-count // columns)
        grid = np.zeros((rows * a.shape[1], columns * a.shape[2], a.shape[3]), a.dtype)
        for i, picture in enumerate(a):
            y, x = divmod(i, columns)
            grid[y * a.shape[1] : (y + 1) * a.shape[1], x * a.shape[2] : (x + 1) * a.shape[2]] = picture
        self._picture(tag, grid, global_step, walltime)

    def _picture(self, tag: str, a: np.ndarray, step: int | None, when: float | None) -> None:
        from PIL import Image

        if a.dtype != np.uint8:
            a = np.clip(a * 255.0 if a.dtype.kind == "f" else a, 0, 255).astype(np.uint8)
        a = a.repeat(3, axis=2) if a.shape[2] == 1 else a
        file = io.BytesIO()
        Image.fromarray(a).save(file, format="PNG")
        content = (
            field(1, a.shape[0]) + field(2, a.shape[1]) + field(3, a.shape[2]) + field(4, file.getvalue())
        )
        self._add(field(1, tag) + field(4, content), step, when)

    def add_figure(
        self,
        tag: str,
        figure: Any,
        global_step: int | None = None,
        close: bool = True,
        walltime: float | None = None,
    ) -> None:
        """A matplotlib figure as a picture."""
        for number, one in enumerate(figure if isinstance(figure, list) else [figure]):
            one.canvas.draw()
            a = np.asarray(one.canvas.buffer_rgba())[:, :, :3]
            self._picture(
                tag if not isinstance(figure, list) else f"{tag}/{number}", a, global_step, walltime
            )
            if close:
                from matplotlib import pyplot

                pyplot.close(one)

    def add_text(
        self, tag: str, text_string: str, global_step: int | None = None, walltime: float | None = None
    ) -> None:
        """A text in Markdown."""
        tensor = field(1, 7) + field(2, field(2, field(1, 1))) + field(8, text_string)
        about = field(1, field(1, "text"))
        self._add(
            field(1, f"{tag}/text_summary") + field(8, tensor) + field(9, about), global_step, walltime
        )

    def add_hparams(
        self,
        hparam_dict: dict,
        metric_dict: dict,
        hparam_domain_discrete: Any = None,
        run_name: str | None = None,
        global_step: int | None = None,
    ) -> None:
        """The options of a run as a text, and its results as scalars."""
        if not isinstance(hparam_dict, dict) or not isinstance(metric_dict, dict):
            raise TypeError("hparam_dict and metric_dict should be dictionary.")
        table = "".join(f"| {key} | {value} |\n" for key, value in hparam_dict.items())
        self.add_text("hparams", f"| option | value |\n| --- | --- |\n{table}", global_step)
        for key, value in metric_dict.items():
            self.add_scalar(key, value, global_step)

    def add_graph(self, *args: Any, **kwargs: Any) -> None:
        """Nothing but a warning: the graph is what this program's own window shows."""
        _pass_over("add_graph")

    def add_embedding(self, *args: Any, **kwargs: Any) -> None:
        """Nothing but a warning."""
        _pass_over("add_embedding")

    def flush(self) -> None:
        """Have everything on the disk."""
        for file in self._files.values():
            file.flush()

    def close(self) -> None:
        """End the files."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _pass_over(name: str) -> None:
    warnings.warn(f"SummaryWriter.{name} writes nothing here; the run goes on without it.", stacklevel=3)


def _array(values: Any) -> np.ndarray:
    return np.asarray(values.detach().cpu().numpy() if hasattr(values, "detach") else values)


def _edges() -> np.ndarray:
    """Bounds that grow by a tenth from one to the next, on both sides of zero: TensorBoard's own."""
    steps, v = [], 1e-12
    while v < 1e20:
        steps.append(v)
        v *= 1.1
    return np.array([-np.inf, *(-s for s in reversed(steps)), 0.0, *steps, np.inf])
