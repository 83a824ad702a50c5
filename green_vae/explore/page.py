"""The page in the browser, made with Gradio: sliders, map, interpolation, samplers. It serves this machine alone."""

import contextlib
import functools
import html
import itertools
import os
import tempfile
import threading

from green_vae.data import read_files
from green_vae.explore import pictures
from green_vae.explore.chart import Chart

HOST = "127.0.0.1"
UPLOAD = 5_000_000  # bytes of a picture that is uploaded
KINDS = [".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"]
COLUMNS = 4  # images beside each other in the grid of a sampler
QUEUED = {"api_visibility": "private"}
AT_ONCE = {**QUEUED, "queue": False, "show_progress": "hidden"}  # quicker, but errors are shown by queued events alone
QUIET = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "1"}
FONTS = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}  # of the machine
CSS = """
.gradio-container { max-width: 84rem !important; }
.pictures { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; margin-bottom: 1rem; }
.pictures figure { margin: 0; max-width: 100%; }
.pictures figcaption { font-size: 0.875rem; }
.pictures img { image-rendering: pixelated; max-width: 100%; height: auto; border: 1px solid #8886; }
"""


@contextlib.contextmanager
def running(view, title, words, names=None, port=None):
    """Serve the page of a `View` while within; yields its address.

    Nothing is sent to or fetched from elsewhere. What is uploaded lies in a folder that is deleted at the end.

    Args:
        view: a `View`.
        title: of the page. words: a sentence on the images of its map.
        names: of the labels of these images, by their numbers; None for numbers.
        port: to listen on; None for a free one.

    Raises:
        ImportError: Gradio is not installed.
        OSError: the port is not free.
    """
    with tempfile.TemporaryDirectory(prefix="green-vae-explore-") as folder, _environment(folder):
        import gradio as gr

        page = _page(gr, view, title, words, names)
        safe = {"share": False, "footer_links": [], "ssr_mode": False, "pwa": False, "mcp_server": False}
        looks = {"theme": gr.themes.Base(**FONTS), "css": CSS, "quiet": True}
        try:
            page.launch(
                server_name=HOST,
                server_port=port,
                prevent_thread_lock=True,
                max_file_size=UPLOAD,
                enable_monitoring=False,
                **safe,
                **looks,
            )
            yield f"http://{HOST}:{page.server_port}/"
        finally:
            page.close(verbose=False)


@contextlib.contextmanager
def _environment(folder):
    """What Gradio reads when it is imported, and when a page is made."""
    changed = {**QUIET, "GRADIO_TEMP_DIR": folder}
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _page(gr, view, title, words, names):
    """The page as Gradio's blocks."""
    alone = _guard(gr)
    seeds = itertools.count(1)

    def start(code):
        """New values of `started`."""
        return [code, pictures.of_code(view.pictures(code)), *view.values(code)]

    with gr.Blocks(title=title, analytics_enabled=False) as page:
        gr.Markdown(f"# {title}\n{words}")
        code, first = gr.State(view.centre), start(view.centre)
        with gr.Row():
            with gr.Column(scale=2):
                picture = gr.HTML(first[1], elem_id="picture")
                with gr.Row():
                    middle, new = gr.Button("Middle of the codes"), gr.Button("New code")
            with gr.Column(scale=3):
                sliders = _sliders(gr, view)
        started = [code, picture, *sliders]
        with gr.Tab("Map"):
            _map(gr, view, names, alone, start, started)
        with gr.Tab("Interpolation"):
            _interpolation(gr, view, alone)
        with gr.Tab("Samplers"):
            _samplers(gr, view, alone, seeds)

        @alone
        def move(code, *values):
            return pictures.of_code(view.pictures(view.moved(code, values)))

        for slider in sliders:
            slider.input(move, [code, *sliders], picture, trigger_mode="always_last", **AT_ONCE)
        middle.click(alone(lambda: start(view.centre)), None, started, **AT_ONCE)
        new.click(alone(lambda: start(view.new_code(next(seeds)))), None, started, **AT_ONCE)
    return page


def _guard(gr):
    """A decorator: one call at a time, as Gradio has several threads; what a user can repair is shown on the page."""
    lock = threading.Lock()

    def alone(function):
        @functools.wraps(function)
        def called(*arguments):
            try:
                with lock:
                    return function(*arguments)
            except (ValueError, OSError) as error:
                raise gr.Error(html.escape(str(error)), print_exception=False) from error

        return called

    return alone


def _sliders(gr, view):
    """A slider for each of the most active units, in two columns."""
    gr.Markdown(f"The {len(view.units)} most active of {view.model.latent_dim} latent units, the most active first.")
    made, values = [], view.values(view.centre)
    for start in range(0, len(view.units), 2):
        with gr.Row():
            for unit, value in zip(view.units[start : start + 2], values[start : start + 2], strict=True):
                low, high, step = view.slider(unit)
                made.append(gr.Slider(low, high, value, step=step, label=f"z {unit}", buttons=[]))
    return made


def _map(gr, view, names, alone, start, started):
    """A click on the map, or a number, chooses an image, and the sliders go to its code."""
    axes = ("z 0", "z 1")
    if view.shares:
        axes = [f"principal component {n + 1} ({share:.0%} of the variance)" for n, share in enumerate(view.shares)]
    chart = Chart(view.positions, view.labels, names, axes)

    @alone
    def show(number):
        number = view.number(number)
        images = {"image": view.images[number], "its code, decoded": view.pictures(view.codes[number])["x"]}
        figures = (pictures.figure(image[None], words, 1, pictures.SMALL) for words, image in images.items())
        return [chart.marked(number), pictures.row(figures), *start(view.codes[number])]

    def nearest(event: gr.SelectData):
        return view.nearest(chart.place_of(*event.index))

    with gr.Row():
        with gr.Column(scale=3):
            gr.Markdown(f"Codes of {len(view.images):,} images. Click a point to see its image.")
            drawn = gr.Image(chart.pixels, format="png", interactive=False, buttons=[], show_label=False, elem_id="map")
        with gr.Column(scale=2):
            number = gr.Number(None, label=f"Image, 0 to {len(view.images) - 1} (Enter shows it)", precision=0)
            chosen = gr.HTML(elem_id="chosen")
            gr.Markdown("The sliders above go to the code of the image that you choose.")
    shown = [drawn, chosen, *started]
    drawn.select(nearest, None, number, **AT_ONCE).then(show, number, shown, **AT_ONCE)
    number.submit(show, number, shown, **QUEUED)


def _interpolation(gr, view, alone):
    """Two pictures, and the images between their codes."""
    with gr.Row():
        files = [gr.File(label=f"{which} picture", file_types=KINDS, height=120) for which in ("First", "Second")]
    height, width, _ = view.model.image_shape
    gr.Markdown(
        f"Up to {UPLOAD // 1_000_000} MB each ({', '.join(kind[1:] for kind in KINDS)}); the middle is cut to "
        f"{width} x {height}. They stay on this machine, in a folder that is deleted when Ctrl-C ends the command."
    )
    button, line = gr.Button("Interpolate"), gr.HTML(elem_id="line")

    @alone
    def interpolate(*paths):
        if None in paths:
            raise ValueError("An interpolation needs two pictures; choose both.")
        images = view.between(*read_files(paths, view.model.image_shape))
        words = "from the first picture to the second, both ends as the model rebuilds them"
        return pictures.row([pictures.figure(images, words, len(images), pictures.SMALL)])

    button.click(interpolate, files, line, **QUEUED)


def _samplers(gr, view, alone, seeds):
    """New images by each sampler, beside each other."""
    if not view.samplers:
        gr.Markdown("No sampler came with this model, and it has no prior.")
        return

    def draw(seed):
        return pictures.row(pictures.figure(made, name, COLUMNS) for name, made in view.drawn(seed).items())

    button, drawn = gr.Button("New images"), gr.HTML(draw(0), elem_id="samplers")
    button.click(alone(lambda: draw(next(seeds))), None, drawn, **QUEUED)
