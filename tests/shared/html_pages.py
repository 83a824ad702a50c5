"""Pages of HTML read back: every element closed in its order, and what stands in them."""

import html.parser

VOID = {"br", "img", "input", "link", "meta"}


class Page(html.parser.HTMLParser):
    """A page that must be well-formed.

    Attributes:
        elements: (tag, dict of attributes) in order.
        words: the texts that are shown or told, without style and script; text: all of them.
    """

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.words = [], [], []
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"
        self.text = " ".join(self.words)

    def handle_starttag(self, tag, attributes):
        assert len(dict(attributes)) == len(attributes), f"an attribute stands twice: {tag} {attributes}"
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)

    def all(self, tag, **wanted):
        """Attributes of the elements of a tag that have these."""
        return [had for name, had in self.elements if name == tag and wanted.items() <= had.items()]

    def count(self, tag):
        return sum(name == tag for name, _ in self.elements)


def check(page):
    """What every page must be, whatever it shows; returns the page."""
    ids = [had["id"] for _, had in page.elements if "id" in had]
    assert len(ids) == len(set(ids)), "an id stands twice"
    for name in ("aria-describedby", "data-note", "popovertarget", "for", "data-of", "data-by"):
        assert {had[name] for _, had in page.elements if name in had} <= set(ids), name
    sources = [had[name] for _, had in page.elements for name in ("src", "href", "action") if name in had]
    assert all(source.startswith(("data:image/webp;base64,", "#")) or is_page(source) for source in sources), sources
    assert not any(name.startswith("on") or name == "style" for _, had in page.elements for name in had)
    assert all(had.get("alt") for had in page.all("img")[:-1]), (
        "a picture without words"
    )  # the last is the enlarged one
    assert (page.count("script"), page.count("style"), page.count("title"), page.count("h1")) == (1, 1, 1, 1)
    assert page.count("table") == page.count("tbody") and page.count("link") == 0
    return page


def is_page(source):
    """Whether an address is that of a page beside this one."""
    return source.removesuffix(".html").replace("_", "").isalnum() and source.endswith(".html")
