"""The first page: samples in their groups."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel

from app.shell.welcome import samples


def top_of(window, words: str) -> int:
    """Where the caption with these words stands, from the top of the page."""
    column = window.welcome.column
    label = next(w for w in column.findChildren(QLabel) if w.text().lower() == words.lower())
    return label.mapTo(column, label.rect().topLeft()).y()


def test_the_faulty_samples_stand_under_a_caption_of_their_own(window):
    page = window.welcome
    faults = {e["file"] for e in samples() if e.get("group") == "Faults to find"}
    assert {"dead_relu.py", "detached.py", "changed_in_place.py"} <= faults
    border = top_of(window, "Faults to find")
    assert top_of(window, "Samples") < border
    for file, card in page.cards.items():
        y = card.mapTo(page.column, card.rect().topLeft()).y()
        assert (y > border) == (file in faults), file
