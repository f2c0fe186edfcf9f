"""The small convolutional network of the digits demo, untrained."""

from lively import Model, finish, images, seeded

from examples.digits.train import DigitsCnn


def build() -> Model:
    """Return the network and one picture [1, 1, 8, 8]."""
    with seeded():
        return finish(DigitsCnn(), images(4, 1, 8))
