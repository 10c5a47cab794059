"""What is remembered per user: theme, arrangement, recent files, motion, sampling."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QSettings

ORGANISATION = "Gradwalk"
APPLICATION = "Gradwalk"
RECENT_LIMIT = 8


def store() -> QSettings:
    """The user's settings."""
    return QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, ORGANISATION, APPLICATION)


def theme_choice() -> str:
    """'system', 'light' or 'dark'."""
    return str(store().value("theme", "system"))


def keep_theme_choice(choice: str) -> None:
    """Remember the theme."""
    store().setValue("theme", choice)


def recent_files() -> list[str]:
    """Paths opened of late, the newest first."""
    value = store().value("recent", [])
    return [str(p) for p in value] if isinstance(value, list) else [str(value)] if value else []


def keep_recent_file(path: str) -> None:
    """Put a path at the head of the recent ones."""
    store().setValue("recent", [path, *(p for p in recent_files() if p != path)][:RECENT_LIMIT])


def motion() -> bool:
    """Whether things may move."""
    return str(store().value("motion", "true")).lower() in ("true", "1")


def keep_motion(yes: bool) -> None:
    """Remember whether things may move."""
    store().setValue("motion", "true" if yes else "false")


def sampling_hz() -> float:
    """How often the values on the screen are asked for while a script runs."""
    try:
        return float(str(store().value("sampling_hz", 15.0)))
    except ValueError:
        return 15.0


def keep_sampling_hz(hz: float) -> None:
    """Remember it."""
    store().setValue("sampling_hz", hz)


def kept_rules() -> dict[str, str]:
    """The rules that were changed, as `RuleBook.kept` gives them."""
    settings = store()
    settings.beginGroup("rules")
    return {key: str(settings.value(key, "")) for key in settings.childKeys()}


def keep_rules(kept: dict[str, str]) -> None:
    """Remember them, and nothing of what was kept before."""
    settings = store()
    settings.remove("rules")
    for key, text in kept.items():
        settings.setValue(f"rules/{key}", text)


def arrangement(key: str) -> QByteArray | None:
    """A remembered arrangement ('window', 'panels'), if there is one."""
    value = store().value(f"arrangement/{key}")
    return value if isinstance(value, QByteArray) and not value.isEmpty() else None


def keep_arrangement(key: str, value: QByteArray) -> None:
    """Remember an arrangement."""
    store().setValue(f"arrangement/{key}", value)


def script_arrangement(path: str) -> QByteArray | None:
    """The arrangement of the panels kept for a script, if there is one."""
    return arrangement("of/" + _key_of(path))


def keep_script_arrangement(path: str, value: QByteArray) -> None:
    """Remember how the panels stood for a script."""
    keep_arrangement("of/" + _key_of(path), value)


def _key_of(path: str) -> str:
    return path.replace("/", "_").replace("\\", "_")


def script_state(path: str) -> tuple[list[str], list[str]]:
    """Breakpoints (as `Breakpoint.kept` gives them) and watches kept for a script."""
    group = "script/" + _key_of(path)
    values = []
    for key in ("breakpoints", "watches"):
        value = store().value(f"{group}/{key}", [])
        values.append([str(v) for v in value] if isinstance(value, list) else [str(value)] if value else [])
    return values[0], values[1]


def keep_script_state(path: str, breakpoints: list[str], watches: list[str]) -> None:
    """Remember them for a script."""
    group = "script/" + _key_of(path)
    settings = store()
    settings.setValue(f"{group}/breakpoints", breakpoints)
    settings.setValue(f"{group}/watches", watches)
