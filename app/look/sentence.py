"""Sentences that the app says, from resources/i18n, in the language in force."""

from __future__ import annotations

import json
from functools import cache

from .theme import RESOURCES


@cache
def _sentences(language: str) -> dict[str, str]:
    path = RESOURCES / "i18n" / f"{language}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def sentence(key: str) -> str:
    """The sentence kept under `key`; the key itself where a language lacks it."""
    return _sentences("en").get(key, key)
