"""Draws the page's pictures for download, one at a time."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from serving.heatmap.fonts import missing_fonts
from serving.heatmap.matrix import Heatmap
from serving.heatmap.picture import PictureFormat, draw_picture
from serving.web.page_errors import PageError

MOST_WAITING = 16
"""Most pictures waiting; each takes a tenth of a second to some seconds."""
MEDIA_TYPES: dict[PictureFormat, str] = {"png": "image/png", "svg": "image/svg+xml"}


@dataclass(frozen=True)
class Picture:
    """A picture's file."""

    content: bytes
    missing_fonts: str
    """The scripts that no installed font has, and so drawn as boxes; maybe empty."""


class PictureDrawer:
    """Draws in a single thread: matplotlib is slow, and all pictures share its font objects."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pictures")
        self._waiting = 0

    async def draw(self, heatmap: Heatmap, file_format: PictureFormat, title: str) -> Picture:
        """Draws a heatmap; see `serving.heatmap.picture.draw_picture`.

        Raises:
          PageError: too many pictures are already waiting.
        """
        if self._waiting >= MOST_WAITING:
            raise PageError(503, "Too many pictures are waiting. Try again in a moment.")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, _draw, heatmap, file_format, title)
        finally:
            self._waiting -= 1


def _draw(heatmap: Heatmap, file_format: PictureFormat, title: str) -> Picture:
    return Picture(draw_picture(heatmap, file_format, title=title), missing_fonts(heatmap))
