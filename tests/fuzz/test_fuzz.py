"""Damaged and hostile files in every reader: `benchmarks/fuzz.py` goes on for long."""

import fuzzed_readers
import pytest
from fuzzed_readers import READERS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@pytest.fixture(scope="module")
def setitem():
    with pytest.MonkeyPatch.context() as patch:
        yield patch.setitem


@pytest.fixture(scope="module", params=READERS)
def prepared(request, setitem, tmp_path_factory):
    return fuzzed_readers.prepared(request.param, tmp_path_factory.mktemp("fuzz"), setitem)


OFTEN = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)


@given(rng=st.randoms(use_true_random=False))
@settings(OFTEN, max_examples=25)
def test_a_damaged_file_is_refused_in_one_clear_error_or_read_as_it_should_be(prepared, rng):
    fuzzed_readers.run(*prepared, rng)


@pytest.mark.slow
@given(rng=st.randoms(use_true_random=False))
@settings(OFTEN, max_examples=1000)
def test_a_thousand_damaged_files(prepared, rng):
    if not prepared[0].quick:
        pytest.skip("takes too long for a thousand cases; benchmarks/fuzz.py has them, too")
    fuzzed_readers.run(*prepared, rng)
