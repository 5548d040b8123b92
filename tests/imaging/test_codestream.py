"""Sizes read from codestreams that Pillow wrote, and from rubbish."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bimedix2.imaging.codestream import Claim, claim_of


def written(mode: str, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (37, 21)).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(("mode", "components"), [("L", 1), ("RGB", 3)])
def test_claims_of_jpeg_and_jpeg_2000(mode: str, components: int) -> None:
    want = Claim(37, 21, components)
    assert claim_of(written(mode, "JPEG")) == want
    assert claim_of(written(mode, "JPEG", progressive=True, comment=b"x" * 300)) == want
    assert claim_of(written(mode, "JPEG2000", no_jp2=True)) == want
    assert claim_of(written(mode, "JPEG2000")) == want  # in a JP2 wrapper


@given(st.binary(max_size=200), st.sampled_from([b"", b"\xff\xd8", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  "]))
def test_rubbish_gives_a_claim_or_none(tail: bytes, head: bytes) -> None:
    assert claim_of(head + tail) is None or len(claim_of(head + tail) or ()) == 3
