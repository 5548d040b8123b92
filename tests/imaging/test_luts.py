"""Lookup tables: descriptors, byte order, packing, signs."""

import numpy as np
import pytest

from bimedix2.errors import ImageError
from bimedix2.imaging import luts


def test_words_bytes_and_numbers_give_the_same_table() -> None:
    numbers = [0, 100, 60000]
    for raw, little in (
        (numbers, True),
        (np.array(numbers, "<u2").tobytes(), True),
        (np.array(numbers, ">u2").tobytes(), False),
    ):
        lut = luts.table([3, -1, 16], raw, little=little, label="x")
        assert luts.look_up(lut, np.array([-5, -1, 0, 1, 9])).tolist() == [0, 0, 100, 60000, 60000]


def test_8_bit_entries_packed_two_in_a_word() -> None:
    little = luts.table([4, 0, 8], bytes([1, 2, 3, 4]), little=True, label="x")
    big = luts.table([4, 0, 8], bytes([2, 1, 4, 3]), little=False, label="x")
    assert little.values.tolist() == big.values.tolist() == [1, 2, 3, 4]


def test_zero_entries_mean_65536() -> None:
    lut = luts.table([0, 0, 16], bytes(131072), little=True, label="x")
    assert len(lut.values) == 65536


def test_an_unsigned_first_input_is_signed_where_values_are() -> None:
    lut = luts.table([2, 65535, 8], [10, 20], little=True, label="x")
    assert luts.look_up(lut, np.array([-1, 0])).tolist() == [10, 20]
    assert luts.look_up(lut, np.array([65535, 65536])).tolist() == [10, 20]


def test_a_first_input_above_every_value_is_signed_too() -> None:
    """-500 as 65036, in a slice that shows nothing below 0: read as unsigned, all of it were one grey."""
    lut = luts.table([1001, 65036, 16], list(range(1001)), little=True, label="x")
    assert luts.look_up(lut, np.array([0, 300])).tolist() == [500, 800]


def test_shades_use_the_bits_of_the_descriptor() -> None:
    lut = luts.table([2, 0, 12], [0, 4095], little=True, label="x")
    assert luts.shades(lut, np.array([0, 1])).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("descriptor", "raw"), [([2, 0], [1, 2]), ([3, 0, 16], [1, 2]), ([2, 0, 32], [1, 2]), ([9, 0, 8], b"12")]
)
def test_a_damaged_table_is_refused(descriptor: list[int], raw: bytes | list[int]) -> None:
    with pytest.raises(ImageError, match=r"scan\.dcm has a lookup table"):
        luts.table(descriptor, raw, little=True, label="scan.dcm")


def test_a_palette_of_16_bits_keeps_high_bytes_unless_it_holds_8_bit_numbers() -> None:
    def tables(*values: int) -> list[luts.Table]:
        return [luts.Table(0, 16, np.array(values, np.uint16))] * 3

    eight, mislabelled = luts.palette_bytes(tables(0, 0x8000, 0xFFFF))
    assert (eight[0].tolist(), mislabelled) == ([0, 128, 255], False)
    eight, mislabelled = luts.palette_bytes(tables(0, 128, 255))
    assert (eight[0].tolist(), mislabelled) == ([0, 128, 255], True)
