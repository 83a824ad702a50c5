"""Pages of HTML that are one file each: pictures lie within, and nothing is fetched from anywhere."""

import base64
import html
from pathlib import Path

from green_vae.utils.files import write_text

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; color: #1d2733; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2em; } img { max-width: 100%; }
pre { background: #f2f4f7; padding: 0.8em 1em; overflow-x: auto; border-radius: 4px; }
td, th { text-align: left; padding: 0.2em 1.5em 0.2em 0; vertical-align: top; } th { font-weight: 600; }
img.pixels { image-rendering: pixelated; min-width: 50%; }
"""


def write_page(path, title, parts):
    """Write a page to `path`, whole or not at all.

    Args:
        title: of the page, as text.
        parts: pieces of HTML, as `heading`, `text`, `facts`, `code` and `picture` give them.
    """
    head = f'<meta charset="utf-8"><title>{html.escape(title)}</title><style>{STYLE}</style>'
    body = "\n".join([f"<h1>{html.escape(title)}</h1>", *parts])
    write_text(path, f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n')


def heading(words):
    return f"<h2>{html.escape(words)}</h2>"


def text(words):
    return f"<p>{html.escape(words)}</p>"


def code(lines):
    return f"<pre>{html.escape(lines)}</pre>"


def facts(table):
    """A table of two columns, from a dict of texts."""
    rows = (f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in table.items())
    return f"<table>{''.join(rows)}</table>"


def picture(path, words, pixels=True):
    """A PNG file, its bytes within the page.

    Args:
        words: what it shows.
        pixels: whether it is enlarged pixel by pixel, as small images are; charts are not.
    """
    data = base64.b64encode(Path(path).read_bytes()).decode()
    kind = ' class="pixels"' if pixels else ""
    return f'<img{kind} alt="{html.escape(words, quote=True)}" src="data:image/png;base64,{data}">'
