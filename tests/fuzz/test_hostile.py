"""What the fuzz tests found, one by one: programs in images, bombs, links, nesting, and numbers that are none."""

import gzip
import io
import json
import os
import tarfile
import zipfile

import h5py
import numpy as np
import pytest
from fuzzed_readers import ENTRY, REPORT, RUN, TINY
from PIL import EpsImagePlugin, Image

from green_vae.data import celeba, cifar, folder, idx, prepare
from green_vae.experiments.figure_report import read_entries
from green_vae.experiments.runner import read_cells
from green_vae.models import MODELS
from green_vae.models.undrawn import undrawn_weights
from green_vae.presets import store
from green_vae.samplers import SAMPLERS
from green_vae.training.checkpoint import load_weights, read_history
from green_vae.training.run_folder import OtherRunError, read_run
from green_vae.utils import digests
from green_vae.utils.reading import check_h5, opened_npz, read_json, read_npy

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 178 218\n%%EndComments\nshowpage\n%%EOF\n"


def test_no_program_is_started_for_an_image(tmp_path, monkeypatch):
    """PIL goes by the contents: a .png may be an EPS file, which it hands to Ghostscript."""
    started = []
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *a, **k: started.append(a) or Image.new("L", (9, 9)).im)
    (tmp_path / "one.png").write_bytes(EPS)
    with Image.open(tmp_path / "one.png") as image:
        image.load()
    assert started  # so it would
    started.clear()
    with pytest.raises(ValueError, match="one.png is not a readable image"):
        folder.read(f"folder:{tmp_path}", "all")
    with pytest.raises(ValueError, match="000001.jpg is damaged"):
        prepare._decode((0, "000001.jpg", EPS), celeba.crop)
    assert not started


def test_an_image_larger_than_memory_is_refused_by_its_header(tmp_path, monkeypatch):
    Image.new("L", (40, 30)).save(tmp_path / "one.png")
    monkeypatch.setattr(folder, "LARGEST", 1199)
    with pytest.raises(ValueError, match="up to 1,199 pixels; shrink it. Received: 40x30"):
        folder.read(f"folder:{tmp_path}", "all")
    large = io.BytesIO()
    Image.new("L", (20_000, 1)).save(large, "JPEG")
    monkeypatch.setattr(Image.Image, "convert", None)  # before anything is decoded
    with pytest.raises(ValueError, match="must have 178x218 pixels. Received: 20000x1"):
        prepare._decode((0, "000001.jpg", large.getvalue()), celeba.crop)


def test_a_gz_that_unpacks_to_more_than_the_largest_file_is_not_unpacked_whole(tmp_path, monkeypatch):
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(bytes((0, 0, 8, 3)) + bytes(5000)))
    monkeypatch.setattr(idx, "LARGEST", 1000)
    assert len(idx._content(path)) == 1001
    with pytest.raises(ValueError, match="cut short or damaged.*Received: 1,001 bytes"):
        idx._parse(idx._content(path), 3, path)


def test_sizes_beyond_64_bits_do_not_wrap_around(tmp_path):
    content = bytes((0, 0, 8, 3)) + b"\x80\0\0\0" * 2 + b"\0\0\0\4"  # 2^64 numbers, which NumPy counts as 0
    with pytest.raises(ValueError, match="cut short or damaged"):
        idx._parse(content, 3, tmp_path)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_links_and_folders_in_an_archive_are_no_files(kind, tmp_path):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        info = tarfile.TarInfo("f/train")
        info.type, info.linkname = kind, "f/train"
        tar.addfile(info)
    with pytest.raises(ValueError, match="a.tar.gz is damaged.*Received"):
        cifar._contents(tmp_path, "f", "a.tar.gz", ["train"])


def test_an_archive_is_not_unpacked_beyond_its_size(tmp_path, monkeypatch):
    monkeypatch.setattr(cifar, "LARGEST", 2000)
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        for name in ("f/other", "f/train"):
            info = tarfile.TarInfo(name)
            info.size = 1500
            tar.addfile(info, io.BytesIO(bytes(1500)))
    with pytest.raises(ValueError, match="a.tar.gz is damaged.*more than 2,000 bytes"):
        cifar._contents(tmp_path, "f", "a.tar.gz", ["train"])


def test_a_zip_is_not_unpacked_beyond_the_size_of_an_image(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("000001.jpg", bytes(celeba.LARGEST + 1))
    with celeba._pictures(tmp_path / "a.zip") as (places, read):
        with pytest.raises(ValueError, match="000001.jpg cannot be read.*1,048,577 bytes are no image"):
            list(celeba._files(["000001.jpg"], places, read, tmp_path / "a.zip"))


@pytest.mark.parametrize("text", [b"\xff\xfe", b'"' + b"x" * 200_000])
def test_a_list_of_images_that_is_none_is_named(text, tmp_path):
    path = tmp_path / "list.csv"
    path.write_bytes(text)
    with pytest.raises(ValueError, match="list.csv is no list of images.*Received"):
        celeba._partition(path, "test")


def test_an_npz_that_claims_far_more_memory_than_it_has_bytes_is_refused(tmp_path):
    np.savez_compressed(tmp_path / "bomb.npz", x=np.zeros(2**26 + 2**23, "u1"))
    with pytest.raises(ValueError, match="would take .* bytes of memory, and has .* on disk"):
        with opened_npz(tmp_path / "bomb.npz") as file:
            file["x"]
    np.savez_compressed(tmp_path / "fine.npz", x=np.zeros(2**20, "u1"))
    with opened_npz(tmp_path / "fine.npz") as file:
        assert file["x"].shape == (2**20,)


def test_an_npy_file_of_objects_or_cut_short_is_named(tmp_path):
    np.save(tmp_path / "objects.npy", np.array([{}], object), allow_pickle=True)
    np.save(tmp_path / "short.npy", np.zeros(9))
    (tmp_path / "short.npy").write_bytes((tmp_path / "short.npy").read_bytes()[:-1])
    for name in ("objects.npy", "short.npy"):
        with pytest.raises(ValueError, match=f"delete it.*Received: .*{name}"):
            read_npy(tmp_path / name)


@pytest.mark.parametrize(
    "add, said",
    [
        (lambda file: file.__setitem__("w", h5py.ExternalLink("/etc/passwd", "/")), "keeps them in itself"),
        (lambda file: file.__setitem__("w", h5py.SoftLink("/nowhere")), "keeps them in itself"),
        (lambda file: file.create_dataset("w", (4,), "u1", external=[("/etc/passwd", 0, 4)]), "keeps them in itself"),
        (lambda file: file.create_dataset("w", (2**33,), "f4", chunks=(2**20,)), "would take 34,359,738,368 bytes"),
    ],
)
def test_weights_that_lie_elsewhere_or_claim_too_much_are_refused(add, said, tmp_path):
    with h5py.File(tmp_path / "a.weights.h5", "w") as file:
        add(file)
    with pytest.raises(ValueError, match=said):
        check_h5(tmp_path / "a.weights.h5")
    with pytest.raises(ValueError, match=f"{said}|Received"):  # whatever Keras is installed
        load_weights(None, tmp_path / "a.weights.h5")


DEEP = "[" * 100_000


def test_json_nested_too_deeply_is_one_clear_error(tmp_path):
    """It was a RecursionError, which is no ValueError."""
    for name in ("run.json", "history.json", "metadata.json", "config.json", "table.json"):
        (tmp_path / name).write_text(DEEP)
    readers = {
        read_run: tmp_path,
        read_history: tmp_path,
        store.metadata_of: tmp_path,
        store._build: tmp_path,
        read_cells: tmp_path / "table.json",
    }
    for read, place in readers.items():
        with pytest.raises(ValueError, match="Received"):
            read(place)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "run.json")
    with pytest.raises(OtherRunError, match="run.json is damaged"):
        read_run(tmp_path)
    with pytest.raises(ValueError, match="not a regular file"):
        read_json(tmp_path / "run.json")


@pytest.mark.parametrize("run", [[], "text", RUN, {**RUN, "plan": 3}, {**RUN, "plan": {"epochs": "3"}}])
def test_a_run_that_does_not_tell_its_plan_is_damaged(run, tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(run))
    with pytest.raises(OtherRunError, match="run.json is damaged"):
        read_run(tmp_path)


@pytest.mark.parametrize("history", [{}, [1], [{"loss": "low"}], [{"loss": 10**400}], [{"val_loss": None}]])
def test_a_history_of_other_things_than_numbers_is_damaged(history, tmp_path):
    (tmp_path / "history.json").write_text(json.dumps(history))
    with pytest.raises(ValueError, match="cut off or damaged.*Received"):
        read_history(tmp_path)


@pytest.mark.parametrize("value", [float("nan"), "5", [1]])
def test_a_report_whose_numbers_are_none_is_damaged(value, tmp_path):
    rows = {"VAE": {"fid": {**REPORT["rows"]["VAE"]["fid"], "value": value}}}
    (tmp_path / "table.json").write_text(json.dumps({**REPORT, "rows": rows}))
    with pytest.raises(ValueError, match="the earlier report is damaged"):
        read_cells(tmp_path / "table.json")


def test_a_figure_whose_picture_has_an_impossible_name_is_not_there(tmp_path):
    report = {"smoke": False, "figures": {"one": {**ENTRY, "picture": "x" * 10_000}}}
    (tmp_path / "gallery.json").write_text(json.dumps(report))
    assert read_entries(tmp_path / "gallery.json") == {}


@pytest.mark.parametrize("version", ["earliest", "latest"])
def test_a_heap_of_strings_without_end_is_refused(version, tmp_path):
    """HDF5 1.14.6 reads the strings of such a file for ever, holding Python's lock."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", libver=version) as file:
        file.attrs["names"] = ["kernel", "bias", "a longer name than these"]
    check_h5(path)
    content = bytearray(path.read_bytes())
    place = content.index(b"GCOL") + 16
    while index := int.from_bytes(content[place : place + 2], "little"):
        place += 16 + -(-int.from_bytes(content[place + 8 : place + 16], "little") // 8) * 8
    assert index == 0 and int.from_bytes(content[place + 8 : place + 16], "little") > 1_000  # the free rest
    for length in (0, 1, 15):
        content[place + 8 : place + 16] = length.to_bytes(8, "little")
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"a heap of an HDF5 file has no end. Received: index 0 at byte {place:,}"):
            check_h5(path)


def test_more_strings_than_weights_have_are_refused_in_time(tmp_path, monkeypatch):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.attrs["names"] = ["kernel"] * 300
    check_h5(path)
    monkeypatch.setattr("green_vae.utils.reading.STRINGS", 200)
    with pytest.raises(ValueError, match="no end"):
        check_h5(path)


def test_something_before_the_superblock_is_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w", userblock_size=512) as file:
        file["w"] = np.zeros(3)
    with pytest.raises(ValueError, match="begins with its signature"):
        check_h5(tmp_path / "a.h5")


def test_a_member_that_is_no_array_is_refused(tmp_path):
    """NumPy gives it as bytes."""
    np.savez(tmp_path / "a.npz", x=np.arange(3))
    with opened_npz(tmp_path / "a.npz") as file:
        assert file["x"].tolist() == [0, 1, 2]
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
        archive.writestr("y.npy", b"no array")
    with pytest.raises(ValueError, match="y.npy in it is no NumPy array"), opened_npz(tmp_path / "a.npz"):
        pass


@pytest.mark.parametrize("name", ["..", "../other.h5", "/etc/passwd", "a/b", ""])
def test_metadata_names_files_of_its_own_folder_alone(name, tmp_path):
    files = {file: "0" * 64 for file in (store.CONFIG, store.WEIGHTS, name)}
    (tmp_path / store.METADATA).write_text(json.dumps({"format": store.FORMAT, "sha256": files}))
    with pytest.raises(ValueError, match="lie in its own folder. Received: "):
        store.verified(tmp_path)


@pytest.mark.parametrize("name", ["gmm", "neighbourhood", "scalar_gaussian"])
def test_a_sampler_with_numbers_that_are_none_is_refused(name, tmp_path):
    """Its latents were NaN, and nobody said so."""
    z = np.random.default_rng(0).normal(size=(12, 2)).astype("f4")
    sampler = SAMPLERS[name](**({"n_components": 2} if name == "gmm" else {})).fit(z)
    first = sampler.learned[1] if name == "gmm" else sampler.learned[0]
    setattr(sampler, first, np.full_like(getattr(sampler, first), np.nan, dtype="f8"))
    sampler.save(tmp_path / "a.npz", dtype="f8")
    with pytest.raises(ValueError, match=f"cannot load a '{name}' sampler: {first} is NaN.*Received"):
        type(sampler).load(tmp_path / "a.npz")


def test_a_sampler_whose_latents_would_be_infinite_draws_none(tmp_path):
    """1e300 is finite as float64, and infinite as float32."""
    sampler = SAMPLERS["neighbourhood"](scale=1e300).fit(np.zeros((3, 2)))
    sampler.save(tmp_path / "a.npz")
    with pytest.raises(ValueError, match="latents are NaN or infinite; .*Received: .*1e\\+300"):
        type(sampler).load(tmp_path / "a.npz").sample(5)


def test_a_sampler_of_other_shapes_than_it_says_is_refused(tmp_path):
    sampler = SAMPLERS["gmm"](n_components=2).fit(np.random.default_rng(0).normal(size=(12, 2)))
    sampler.latent_shape_ = (10**6,)
    sampler.save(tmp_path / "a.npz")
    with pytest.raises(ValueError, match="arrays of the shapes .* for 2 components of 1000000 numbers.*Received"):
        SAMPLERS["gmm"].load(tmp_path / "a.npz")


def test_a_model_whose_weights_are_nan_is_not_loaded(tmp_path):
    """Its images were NaN, and nobody said so."""
    model = MODELS["vae"](**TINY)
    model.weights[0].assign(np.full(model.weights[0].shape, np.nan))
    model.save_weights(tmp_path / "nan.weights.h5")
    with pytest.raises(ValueError, match="weights are NaN or infinite; .*Received: .*nan.weights.h5, "):
        store._with_weights(MODELS["vae"](**TINY), tmp_path / "nan.weights.h5", None)


def described(activation, folder):
    arguments = {**TINY, "network_options": {"widths": [4], "activation": activation}}
    whole = {"class_name": "VAE", "registered_name": "green_vae>VAE", "config": arguments}
    (folder / store.CONFIG).write_text(json.dumps(whole))
    return folder


def test_a_configuration_holds_no_code(tmp_path):
    assert isinstance(store._build(described("relu", tmp_path)), MODELS["vae"])
    function = {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}
    for code in (function, {"module": "keras.layers", "class_name": "Lambda", "config": {}}):
        said = f"a configuration holds no code; .*Received: '{code['class_name']}'"
        with pytest.raises(ValueError, match=said):
            store._build(described(code, tmp_path))


def test_a_model_with_more_weights_than_its_file_is_not_built(tmp_path):
    arguments = {**TINY, "latent_dim": 10**9}
    whole = {"class_name": "VAE", "registered_name": "green_vae>VAE", "config": arguments}
    (tmp_path / store.CONFIG).write_text(json.dumps(whole))
    (tmp_path / store.WEIGHTS).write_bytes(bytes(1000))
    files = {name: digests.of_files(tmp_path / name) for name in (store.CONFIG, store.WEIGHTS)}
    (tmp_path / store.METADATA).write_text(json.dumps({"format": store.FORMAT, "sha256": files}))
    with pytest.raises(ValueError, match="more weights than its file can hold. Received: a weight of shape"):
        store.load_preset(tmp_path)
    with undrawn_weights(at_most=8 * 8 * 4 + 4 * 2 * 2 + 2 * 4 + 4 * 64):
        MODELS["vae"](**TINY)  # just as many as it has
