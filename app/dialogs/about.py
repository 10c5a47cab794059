"""What this is, and whose work it stands on."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QLabel, QVBoxLayout, QWidget

from app.look import font
from app.look.icon import icon_pixmap

TEXT = (
    "Gradwalk runs an ordinary PyTorch script on its own engine, shows the graph as it grows, and walks its "
    "backward one node at a time, in both directions."
)
LICENCES = (
    "Gradwalk is free software under the MIT licence. It stands on Qt for Python (LGPL), numpy, numba, "
    "pyqtgraph, Graphviz, ziamath, Pygments and msgspec. Inter and JetBrains Mono are under the SIL Open "
    "Font License; their licences lie in resources/fonts."
)


class AboutDialog(QDialog):
    """About Gradwalk."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("About Gradwalk")
        self.setFixedWidth(440)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(12)
        logo = QLabel()
        logo.setPixmap(icon_pixmap("logo", "text", 40, 2.0))
        title = QLabel("Gradwalk")
        title.setObjectName("Title")
        title.setFont(font.title())
        layout.addWidget(logo)
        layout.addWidget(title)
        for words in (TEXT, LICENCES):
            label = QLabel(words)
            label.setObjectName("Muted")
            label.setWordWrap(True)
            layout.addWidget(label)
