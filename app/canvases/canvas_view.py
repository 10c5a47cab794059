"""Which part of the scene the window shows, and how large. No Qt."""

from __future__ import annotations

from dataclasses import dataclass

LARGEST = 4.0


@dataclass(slots=True)
class CanvasView:
    """scale: window pixels per scene pixel; x, y: where the scene's 0, 0 lies in the window."""

    scale: float = 1.0
    x: float = 0.0
    y: float = 0.0

    def copy(self) -> CanvasView:
        """The same view, to be kept."""
        return CanvasView(self.scale, self.x, self.y)

    def to_scene(self, x: float, y: float) -> tuple[float, float]:
        """The scene's point under a point of the window."""
        return (x - self.x) / self.scale, (y - self.y) / self.scale

    def to_window(self, x: float, y: float) -> tuple[float, float]:
        """The window's point over a point of the scene."""
        return x * self.scale + self.x, y * self.scale + self.y

    def pan(self, dx: float, dy: float) -> None:
        """Move the scene under the window."""
        self.x += dx
        self.y += dy

    def zoom_at(self, factor: float, x: float, y: float, least: float) -> None:
        """Zoom with the window's point x, y staying where it is; not below `least`."""
        scale = min(LARGEST, max(least, self.scale * factor))
        if abs(scale - 1.0) < 0.03:
            scale = 1.0
        factor = scale / self.scale
        self.x = x - (x - self.x) * factor
        self.y = y - (y - self.y) * factor
        self.scale = scale

    def fit(self, scene: tuple[float, float], window: tuple[float, float], margin: float = 32.0,
            top: float = 72.0, bottom: float = 56.0) -> None:
        """Show all of a scene, at most in its own size."""
        width, height = max(1.0, scene[0]), max(1.0, scene[1])
        room_x, room_y = max(40.0, window[0] - 2 * margin), max(40.0, window[1] - top - bottom)
        self.scale = min(1.0, room_x / width, room_y / height)
        self.x = (window[0] - width * self.scale) / 2
        self.y = top + (room_y - height * self.scale) / 2

    def centre_on(self, x: float, y: float, window: tuple[float, float]) -> None:
        """Put the scene's point x, y in the middle of the window."""
        self.x = window[0] / 2 - x * self.scale
        self.y = window[1] / 2 - y * self.scale

    def least_for(self, scene: tuple[float, float], window: tuple[float, float]) -> float:
        """How far one can zoom out: all of the scene, in half the window."""
        return min(0.25, 0.5 * window[0] / max(1.0, scene[0]), 0.5 * window[1] / max(1.0, scene[1]))
