from hypothesis import given
from hypothesis import strategies as st

from edgeir.runtime.program.equal_bytes import EqualBytes

BLOBS = st.lists(st.binary(max_size=3) | st.sampled_from([b"a" * 999, b"a" * 998 + b"b"]))


@given(BLOBS)
def test_equal_ones_have_equal_numbers(blobs: list[bytes]):
    numbers = EqualBytes()
    found: list[bytes] = []
    for blob in blobs:
        number, new = numbers.number(bytearray(blob))
        assert new == (blob not in found)
        if new:
            found.append(blob)
        assert found[number] == blob
