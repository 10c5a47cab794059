"""A window on an array as a table: two dimensions across and down, the others chosen by slices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor

from app.look import font
from app.look.number import figure
from app.look.theme import theme

if TYPE_CHECKING:
    import numpy as np

_Index = QModelIndex | QPersistentModelIndex


def array_of(data: bytes, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """The numbers that came with a fetch; bfloat16, which numpy lacks, becomes float32."""
    import numpy as np

    name = dtype.removeprefix("torch.")
    if name == "bfloat16":
        wide = np.frombuffer(data, "<u2").astype(np.uint32) << 16
        return wide.view(np.float32).reshape(shape)
    name = {"float": "float32", "double": "float64", "long": "int64", "int": "int32", "half": "float16"}.get(
        name, name
    )
    return np.frombuffer(data, np.dtype(name).newbyteorder("<")).reshape(shape)


class TensorTable(QAbstractTableModel):
    """A two-dimensional array; cells are made when looked at, so the size does not matter."""

    edited = Signal(int, int, str)
    """row, column and text of a cell that a person changed"""

    def __init__(self) -> None:
        super().__init__()
        self.values: np.ndarray | None = None
        self.editable = False
        self._reach = 1.0
        self._mono = font.mono(12)

    def set_values(self, values: np.ndarray | None) -> None:
        """Show this array. Shapes: [rows, columns]."""
        self.beginResetModel()
        self.values = values
        self._reach = 1.0
        if values is not None and values.size:
            import numpy as np

            sample = np.abs(values.reshape(-1)[:65536].astype(np.float64))
            sample = sample[np.isfinite(sample)]
            self._reach = float(sample.max()) if sample.size and sample.max() > 0 else 1.0
        self.endResetModel()

    def rowCount(self, parent: _Index | None = None) -> int:
        """Rows of the array."""
        return (
            0
            if self.values is None or (parent is not None and parent.isValid())
            else int(self.values.shape[0])
        )

    def columnCount(self, parent: _Index | None = None) -> int:
        """Columns of the array."""
        return (
            0
            if self.values is None or (parent is not None and parent.isValid())
            else int(self.values.shape[1])
        )

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The number as text, right-aligned, on a ground that hints at its size."""
        if self.values is None or not index.isValid():
            return None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole, Qt.ItemDataRole.ToolTipRole):
            value = self.values[index.row(), index.column()]
            kind = self.values.dtype.kind
            if kind == "b":
                return str(bool(value))
            if kind == "c" or role != Qt.ItemDataRole.DisplayRole:
                return str(value.item())
            return str(int(value)) if kind in "iu" else figure(float(value), 4)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.FontRole:
            return self._mono
        if role == Qt.ItemDataRole.BackgroundRole:
            return self._ground(index)
        return None

    def _ground(self, index: _Index) -> QColor | None:
        import math

        assert self.values is not None
        if self.values.dtype.kind not in "fiu":
            return None
        value = float(self.values[index.row(), index.column()])
        if not math.isfinite(value):
            return theme()["warn_soft"]
        return theme().with_alpha("grad" if value > 0 else "fn", min(1.0, abs(value) / self._reach) * 0.22)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Indices from 0."""
        return section if role == Qt.ItemDataRole.DisplayRole else None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """Cells can be edited at a stop."""
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if self.editable else flags

    def setData(self, index: _Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Pass an edit on; the number changes when the engine says so."""
        if role == Qt.ItemDataRole.EditRole:
            self.edited.emit(index.row(), index.column(), str(value))
        return False
