"""Exact amounts of money: whole cents, no floats, no cent lost."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Money:
    cents: int

    def __post_init__(self):
        if type(self.cents) is not int:
            raise TypeError(f"cents are whole numbers, not {self.cents!r}")

    @classmethod
    def parse(cls, text):
        """Reads "12.50"; the two decimals are required, so that nobody has to guess."""
        if not re.fullmatch(r"-?[0-9]+\.[0-9]{2}", text):
            raise ValueError(f"not an amount like 12.50: {text!r}")
        return cls(int(text.replace(".", "")))

    def __str__(self):
        sign = "-" if self.cents < 0 else ""
        whole, rest = divmod(abs(self.cents), 100)
        return f"{sign}{whole}.{rest:02}"

    def __add__(self, other):
        return Money(self.cents + other.cents)

    def __sub__(self, other):
        return Money(self.cents - other.cents)

    def __mul__(self, times):
        return Money(self.cents * times)

    def split(self, parts):
        """Shares that add up to the whole; the first ones carry the odd cents."""
        if parts < 1:
            raise ValueError(f"cannot split into {parts} parts")
        share, odd = divmod(self.cents, parts)
        return [Money(share + (1 if part < odd else 0)) for part in range(parts)]


def total(amounts):
    return sum(amounts, Money(0))
