"""All keys on one page, from the actions' records."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.actions.catalogue import ACTIONS
from app.look import font


class KeysDialog(QDialog):
    """Keys: one group per menu."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self.resize(780, 640)
        page = QWidget()
        grid = QGridLayout(page)
        grid.setContentsMargins(24, 20, 24, 24)
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(6)
        row = 0
        for name, words in (
            ("File", "File"),
            ("Run", "Run"),
            ("View", "View"),
            ("", "With the canvas"),
            ("Help", "Help"),
        ):
            records = [a for a in ACTIONS if a.menu == name and a.shortcut]
            if not records:
                continue
            head = QLabel(words)
            head.setObjectName("Caption")
            head.setFont(font.caption())
            head.setContentsMargins(0, 12 if row else 0, 0, 2)
            grid.addWidget(head, row, 0, 1, 3)
            row += 1
            for record in records:
                cap = QLabel(record.shortcut.replace("+", " "))
                cap.setObjectName("Kbd")
                title = QLabel(record.title.rstrip("…"))
                text = QLabel(record.text)
                text.setObjectName("Muted")
                text.setWordWrap(True)
                grid.addWidget(cap, row, 0, Qt.AlignmentFlag.AlignLeft)
                grid.addWidget(title, row, 1)
                grid.addWidget(text, row, 2)
                row += 1
        grid.setColumnStretch(2, 1)
        grid.setRowStretch(row, 1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)
