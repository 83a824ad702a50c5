"""What holds for every sampler in the table."""

import json
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from green_vae.samplers import SAMPLERS, Sampler

SMALL = {"gmm": {"n_components": 2}, "second_stage": {"epochs": 1, "batch_size": 8, "widths": (8,)}}
every = pytest.mark.parametrize("name", SAMPLERS)


def make(name):
    return SAMPLERS[name](**SMALL.get(name, {}))


def encodings(n=40, shape=(3,), seed=0):
    return np.random.default_rng(seed).normal(1.0, 2.0, (n, *shape)).astype(np.float32)


@every
def test_the_table(name):
    assert issubclass(SAMPLERS[name], Sampler)
    assert SAMPLERS[name].name == name


@every
def test_fit_returns_self_and_samples_have_the_shape_of_latents(name):
    sampler = make(name)
    assert sampler.fit(encodings(shape=(2, 2, 1))) is sampler
    z = sampler.sample(7)
    assert z.shape == (7, 2, 2, 1)
    assert z.dtype == np.float32
    assert np.isfinite(z).all()


@every
def test_a_seed_gives_the_same_latents_whatever_was_drawn_before(name):
    sampler = make(name).fit(encodings())
    first = sampler.sample(5, seed=3)
    other = sampler.sample(5, seed=4)
    np.testing.assert_array_equal(first, sampler.sample(5, seed=3))
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(sampler.sample(5), sampler.sample(5, seed=0))


@every
def test_fit_and_sample_leave_their_surroundings_alone(name):
    z = encodings()
    np.random.seed(4321)  # states that no earlier test left behind
    random.seed(4321)
    before, state, pythons = z.copy(), np.random.get_state()[1].copy(), random.getstate()
    sampler = make(name).fit(z)
    sampler.sample(3)[:] = 0
    np.testing.assert_array_equal(z, before)
    np.testing.assert_array_equal(np.random.get_state()[1], state)
    assert random.getstate() == pythons
    np.testing.assert_array_equal(make(name).fit(z).sample(3), sampler.sample(3))


@every
@settings(max_examples=10, deadline=None)
@given(shape=st.lists(st.integers(1, 3), min_size=1, max_size=3).map(tuple), seed=st.integers(0, 2**32))
def test_save_and_load_for_any_latent_shape(name, shape, seed, tmp_path_factory):
    path = tmp_path_factory.mktemp("sampler") / "sampler.npz"
    sampler = make(name).fit(encodings(shape=shape))
    sampler.save(path)
    loaded = SAMPLERS[name].load(path)
    assert loaded.settings() == sampler.settings()
    assert np.isfinite(sampler.sample(6, seed)).all()
    np.testing.assert_array_equal(loaded.sample(6, seed), sampler.sample(6, seed))
    assert loaded.sample(6, seed).shape == (6, *shape)


@every
def test_a_path_without_suffix_is_kept(name, tmp_path):
    make(name).fit(encodings()).save(tmp_path / "plain")
    assert [file.name for file in tmp_path.iterdir()] == ["plain"]
    SAMPLERS[name].load(tmp_path / "plain")


@every
def test_bad_encodings_are_refused(name):
    broken = encodings()
    broken[[3, 5], 1] = np.nan
    with pytest.raises(ValueError, match="Received: NaN or infinity in 2 of 40 rows"):
        make(name).fit(broken)
    with pytest.raises(ValueError, match=r"Received: shape \(40,\)"):
        make(name).fit(encodings()[:, 0])
    with pytest.raises(ValueError, match=r"Received: shape \(0, 3\)"):
        make(name).fit(encodings()[:0])


@every
def test_unfitted_samplers_say_so(name, tmp_path):
    for use in (lambda s: s.sample(3), lambda s: s.save(tmp_path / "none.npz")):
        with pytest.raises(ValueError, match=f"not fitted.*Received: {SAMPLERS[name].__name__}"):
            use(make(name))
    assert not list(tmp_path.iterdir())


@every
def test_at_least_one_latent(name):
    with pytest.raises(ValueError, match="Received: n=0"):
        make(name).fit(encodings()).sample(0)


@every
def test_damaged_and_foreign_files_are_refused(name, tmp_path):
    path = tmp_path / "sampler.npz"
    make(name).fit(encodings()).save(path)
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], whole[:-30], b"", b"no archive at all"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"cannot load a '{name}' sampler.*Received: .*sampler.npz"):
            SAMPLERS[name].load(path)
    np.savez(path, mean_=0.0)
    with pytest.raises(ValueError, match="cannot load"):
        SAMPLERS[name].load(path)
    with pytest.raises(FileNotFoundError):
        SAMPLERS[name].load(tmp_path / "nowhere.npz")


@every
@pytest.mark.parametrize("shape", [[-2], [2, 0], []])
def test_a_file_with_a_latent_of_no_size_is_refused(name, shape, tmp_path):
    path = tmp_path / "sampler.npz"
    make(name).fit(encodings()).save(path)
    with np.load(path) as file:
        arrays = dict(file)
    head = json.dumps({**json.loads(str(arrays.pop("head"))), "latent_shape": shape})
    np.savez(path, head=head, **arrays)
    with pytest.raises(ValueError, match=f"cannot load a '{name}' sampler.*Received: .*sampler.npz"):
        SAMPLERS[name].load(path)


@every
def test_the_file_of_another_sampler_is_refused(name, tmp_path):
    other = next(key for key in SAMPLERS if key != name)
    make(other).fit(encodings()).save(tmp_path / "other.npz")
    with pytest.raises(ValueError, match=f"holds the sampler '{other}', not '{name}'"):
        SAMPLERS[name].load(tmp_path / "other.npz")


def test_a_file_with_a_missing_array_is_refused(tmp_path):
    path = tmp_path / "gmm.npz"
    make("gmm").fit(encodings()).save(path)
    with np.load(path) as file:
        rest = {key: file[key] for key in file.files if key != "covariances_"}
    np.savez(path, **rest)
    with pytest.raises(ValueError, match="covariances_"):
        SAMPLERS["gmm"].load(path)
