"""Finding equal byte strings among large ones, so that a file has them once."""

from .schema import BytesLike

_SAMPLES = 256


class EqualBytes:
    """Numbers byte strings from 0, equal ones alike.

    They are compared only where they have the same length and the same bytes in some places: that
    takes a fraction of the time of hashing hundreds of megabytes. They are referred to, not copied.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, bytes], list[tuple[memoryview, int]]] = {}
        self._count = 0

    def number(self, data: BytesLike) -> tuple[int, bool]:
        """The number of a byte string, and whether it is new."""
        view = memoryview(data).cast("B")
        sample = view[:: len(view) // _SAMPLES + 1].tobytes()
        alike = self._known.setdefault((len(view), sample), [])
        for other, number in alike:
            if _equal(other, view):
                return number, False
        alike.append((view, self._count))
        self._count += 1
        return self._count - 1, True


def _equal(a: memoryview, b: memoryview) -> bool:
    """Whether byte strings of one length are equal; Python compares views item by item."""
    whole = len(a) // 8 * 8
    return a[:whole].cast("Q") == b[:whole].cast("Q") and a[whole:] == b[whole:]
