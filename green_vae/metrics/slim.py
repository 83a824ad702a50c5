"""The names of TF-Slim's InceptionV3: which of its scopes is which convolution of Keras's network."""

_C1, _C2, _C3 = "Branch_1/Conv2d_", "Branch_2/Conv2d_", "Branch_3/Conv2d_"
_FIRST = "Branch_0/Conv2d_0a_1x1"
_TRIPLE = [f"{_C2}{name}" for name in ("0a_1x1", "0b_3x3", "0c_3x3")]
_LONG = [f"{_C2}{name}" for name in ("0a_1x1", "0b_7x1", "0c_1x7", "0d_7x1", "0e_1x7")]
_POOL = f"{_C3}0b_1x1"


def _branch1(*names):
    return [f"{_C1}{name}" for name in names]


_BLOCK6 = [_FIRST, *_branch1("0a_1x1", "0b_1x7", "0c_7x1"), *_LONG, _POOL]
_END7 = [f"{_C2}{name}" for name in ("0a_1x1", "0b_3x3", "0c_1x3", "0d_3x1")] + [_POOL]
_BLOCKS = {
    "5b": [_FIRST, *_branch1("0a_1x1", "0b_5x5"), *_TRIPLE, _POOL],
    "5c": [_FIRST, f"{_C1}0b_1x1", "Branch_1/Conv_1_0c_5x5", *_TRIPLE, _POOL],  # slim's own slip of the name
    "5d": [_FIRST, *_branch1("0a_1x1", "0b_5x5"), *_TRIPLE, _POOL],
    "6a": ["Branch_0/Conv2d_1a_1x1", *_branch1("0a_1x1", "0b_3x3", "1a_1x1")],  # called 1x1, but 3x3 of stride 2
    **{block: _BLOCK6 for block in ("6b", "6c", "6d", "6e")},
    "7a": [_FIRST, "Branch_0/Conv2d_1a_3x3", *_branch1("0a_1x1", "0b_1x7", "0c_7x1", "1a_3x3")],
    "7b": [_FIRST, *_branch1("0a_1x1", "0b_1x3", "0b_3x1"), *_END7],
    "7c": [_FIRST, *_branch1("0a_1x1", "0b_1x3", "0c_3x1"), *_END7],
}
_STEM = [f"Conv2d_{name}" for name in ("1a_3x3", "2a_3x3", "2b_3x3", "3b_1x1", "4a_3x3")]

# 94 scopes, in the order in which Keras creates its convolutions
SCOPES = _STEM + [f"Mixed_{block}/{scope}" for block, scopes in _BLOCKS.items() for scope in scopes]


def slim_names(scope):
    """The four variables of a convolution: kernel, beta, moving mean, moving variance."""
    base = f"InceptionV3/{scope}"
    return [f"{base}/weights", *(f"{base}/BatchNorm/{name}" for name in ("beta", "moving_mean", "moving_variance"))]
