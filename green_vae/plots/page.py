"""Pages of HTML that are one file each: pictures, style and script lie within, and nothing is fetched from anywhere.

`page.html` is the frame, `page.css` the style and `page.js` what buttons do. A content security policy names the two
by their hashes, so that nothing else runs, whatever a text on the page says.
"""

import base64
import functools
import hashlib
import html
import io
import itertools
import re
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from string import Template
from typing import NamedTuple

from PIL import Image

from green_vae.utils.files import write_text
from green_vae.utils.reading import DAMAGED

LIMIT = 5_000_000  # bytes of a page
WIDE, LARGE = 3.0, 1000  # charts: width / height from which one is wide, pixels from which it is large
LOSSY = 85  # WebP's quality where a page would become too large without loss


def document(title, parts, back=""):
    """A page as text.

    Args:
        title: of the page, as text.
        parts: pieces of HTML, as the functions below give them.
        back: HTML at the head of the page: a link to the page that this one belongs to.
    """
    frame, style, script, policy = _frame()
    body = "\n".join(parts)
    return frame.substitute(
        title=html.escape(title), body=body, back=back, style=style, script=script, policy=html.escape(policy)
    )


def write_page(path, title, parts, back=""):
    """Write a page to `path`, whole or not at all; arguments as for `document`."""
    write_text(path, document(title, parts, back))


@functools.cache
def _frame():
    """(template of the page, style, script, content security policy)."""
    frame, style, script = (
        files("green_vae.plots").joinpath(name).read_text(encoding="utf-8")
        for name in ("page.html", "page.css", "page.js")
    )
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'"
    return Template(frame), style, script, policy


def heading(words):
    return f"<h2>{html.escape(words)}</h2>"


def text(words):
    return f"<p>{worded(words)}</p>"


def worded(words):
    """A line of Markdown as HTML: `code` between backticks, and the words of a link without the link."""
    plain = html.escape(re.sub(r"\[([^\]\[]*)\]\([^)(]*\)", r"\1", words))
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", plain)


def code(lines):
    return f"<pre>{html.escape(lines)}</pre>"


def bullets(lines, ordered=False):
    """A list of lines of Markdown; "" for none."""
    kind = "ol" if ordered else "ul"
    items = "".join(f"<li>{worded(line)}</li>" for line in lines)
    return f"<{kind}>{items}</{kind}>" if items else ""


def folded(summary, content):
    """HTML that is seen once its summary is clicked."""
    return f"<details><summary>{html.escape(summary)}</summary>{content}</details>"


def facts(table):
    """A table of two columns, from a dict of texts."""
    rows = (
        f'<tr><th scope="row">{html.escape(name)}</th><td>{html.escape(value)}</td></tr>'
        for name, value in table.items()
    )
    return f'<table class="facts"><tbody>{"".join(rows)}</tbody></table>'


def terms(pairs):
    """A list of what things are, from (name, text) pairs."""
    return f"<dl>{''.join(f'<dt>{html.escape(n)}</dt><dd>{html.escape(t)}</dd>' for n, t in pairs)}</dl>"


def note(key, label, pairs):
    """What a button with `data-note="key"` shows: a label, as text, and `terms`."""
    return f'<div popover id="{key}"><h3>{html.escape(label)}</h3>{terms(pairs)}</div>'


class Picture(NamedTuple):
    """A picture as it lies in a page.

    Attributes:
        content: bytes of a WebP file. width, height: in pixels.
        pixels: whether it is enlarged pixel by pixel, as images of a data set are; charts are not.
    """

    content: bytes
    width: int
    height: int
    pixels: bool

    @property
    def extent(self):
        """The class of its figure: a wide chart takes the whole width and scrolls, a large one takes it."""
        if self.pixels:
            return ""
        return "wide" if self.width > WIDE * self.height else "large" if self.width > LARGE else ""


def read_picture(path, lossless=True):
    """The `Picture` of a PNG file, of equal pixels where `lossless`.

    Charts alone have an alpha channel, which is how they are told from images of a data set.

    Raises:
        OSError: it is not there, or no PNG file.
    """
    out = io.BytesIO()
    with Image.open(path, formats=("PNG",)) as opened:
        opened.convert("RGB").save(out, "WEBP", lossless=lossless, quality=30 if lossless else LOSSY, method=2)
        return Picture(out.getvalue(), *opened.size, pixels=opened.mode != "RGBA")


def picture(source, words):
    """A picture that a click enlarges, its bytes within the page.

    Args:
        source: a `Picture`, or the path of a PNG file. words: what it shows.
    """
    source = source if isinstance(source, Picture) else read_picture(source)
    data, kind = base64.b64encode(source.content).decode(), ' class="pixels"' if source.pixels else ""
    return (
        f'<button type="button" class="zoom" title="Enlarge"><img{kind} alt="{html.escape(words)}" '
        f'width="{source.width}" height="{source.height}" src="data:image/webp;base64,{data}"></button>'
    )


def embedded(paths, limit=LIMIT // 5 * 3):
    """Path -> `Picture`, of as many as a page has room for; without those from the first that it has none for.

    Args:
        paths: of PNG files; one that cannot be read is left out.
        limit: bytes of all; base64 adds a third. What exceeds it without loss is compressed with loss.
    """
    with ThreadPoolExecutor() as pool:
        read = dict(pool.map(_readable, paths))
    found = {path: picture for path, picture in read.items() if picture}
    if sum(map(_size, found.values())) > limit:
        found = {path: min(kept, read_picture(path, False), key=_size) for path, kept in found.items()}
    sizes = itertools.accumulate(map(_size, found.values()))
    return {path: picture for (path, picture), size in zip(found.items(), sizes, strict=True) if size <= limit}


def _size(picture):
    return len(picture.content)


def _readable(path):
    """(path, `Picture` or None)."""
    try:
        return path, read_picture(path)
    except (Image.DecompressionBombError, *DAMAGED):
        return path, None
