"""Is this the published file?"""

import hashlib


def check_md5(content, expected, path):
    """Raise ValueError unless the MD5 of `content`, read from `path`, is `expected` (hex)."""
    received = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if received != expected:
        raise ValueError(
            f"{path} is damaged or not the published file: expected MD5 {expected}. "
            f"Delete it and fetch it again. Received: {received} ({len(content):,} bytes)"
        )
