"""A trained model in the browser, on this machine alone: `green-vae explore NAME`.

`view` computes what the page shows, `chart` draws the map of codes, `pictures` makes HTML of images, and `page` is the
page. That one alone needs Gradio, the extra `explore`.
"""

from green_vae.explore.page import running
from green_vae.explore.view import View

__all__ = ["View", "running"]
