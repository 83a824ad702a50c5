"""Pages of HTML that are one file each: pictures, style and script lie within, and nothing is fetched from anywhere.

`page.html` is the frame, `page.css` the style and `page.js` what buttons do. A content security policy names the two
by their hashes, so that nothing else runs, whatever a text on the page says.
"""

import base64
import functools
import hashlib
import html
import io
import re
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from string import Template

from PIL import Image

from green_vae.utils.files import write_text

LIMIT = 5_000_000  # bytes of a page
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


def picture(source, words, pixels=True):
    """A picture that a click enlarges, its bytes within the page.

    Args:
        source: path of a PNG file, or the bytes of a WebP file, see `webp`.
        words: what it shows.
        pixels: whether it is enlarged pixel by pixel, as small images are; charts are not.
    """
    content = source if isinstance(source, bytes) else webp(source)
    with Image.open(io.BytesIO(content)) as opened:
        width, height = opened.size
    data = base64.b64encode(content).decode()
    alt, kind = html.escape(words), ' class="pixels"' if pixels else ""
    return (
        f'<button type="button" class="zoom" title="Enlarge"><img{kind} alt="{alt}" width="{width}" height="{height}" '
        f'src="data:image/webp;base64,{data}"></button>'
    )


def webp(path, lossless=True):
    """The bytes of a picture file as WebP, of equal pixels where `lossless`."""
    return _webp(Path(path).read_bytes(), lossless)


@functools.lru_cache(maxsize=256)
def _webp(content, lossless):
    out = io.BytesIO()
    with Image.open(io.BytesIO(content)) as opened:
        opened.convert("RGB").save(out, "WEBP", lossless=lossless, quality=30 if lossless else LOSSY, method=2)
    return out.getvalue()


def embedded(paths, limit=LIMIT // 5 * 3):
    """Path -> WebP bytes of as many pictures as a page has room for; None for each of the others, from the last on.

    Args:
        paths: of PNG files.
        limit: bytes of all; base64 adds a third. What exceeds it without loss is compressed with loss first.
    """
    paths = list(paths)
    with ThreadPoolExecutor() as pool:
        found = dict(zip(paths, pool.map(webp, paths), strict=True))
    if sum(map(len, found.values())) > limit:
        found = {path: min(content, webp(path, lossless=False), key=len) for path, content in found.items()}
    total = 0
    for path, content in found.items():
        total += len(content)
        if total > limit:
            found[path] = None
    return found
