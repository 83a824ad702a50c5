"""Images as pieces of HTML with the bytes within, so that the browser asks for no further file."""

import base64
import html
import io

from PIL import Image

from green_vae.plots import image_grid

LARGE, SMALL, CELL = 288, 136, 64  # widths in pixels: of the picture of a code, of its parts, of one image of a grid
CAPTIONS = {"x": "x", "x1": "x1", "x2": "x2", "map": "map (white is x1, black is x2)"}


def of_code(parts):
    """The images of one code: name of the part -> (h, w, channels), as `View.pictures` gives them."""
    figures = {part: figure(image[None], CAPTIONS[part], 1, SMALL) for part, image in parts.items() if part != "x"}
    return row([figure(parts["x"][None], CAPTIONS["x"], 1, LARGE)]) + row(figures.values())


def figure(images, caption, columns, width=CELL):
    """A grid of images (n, h, w, channels) with words below.

    Args:
        columns: images beside each other. width: of one image in pixels of the page.
    """
    grid = image_grid(images, columns, pad=0 if len(images) == 1 else 1)
    out, words = io.BytesIO(), html.escape(caption)
    Image.fromarray(grid[..., 0] if grid.shape[-1] == 1 else grid).save(out, "PNG")
    data = base64.b64encode(out.getvalue()).decode()
    picture = f'<img alt="{words}" width="{columns * width}" src="data:image/png;base64,{data}">'
    return f'<figure style="width: {columns * width}px">{picture}<figcaption>{words}</figcaption></figure>'


def row(figures):
    return f'<div class="pictures">{"".join(figures)}</div>'
