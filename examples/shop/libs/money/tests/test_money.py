"""What money must never get wrong. Runs against the packed library."""

import unittest

from money import Money, total


class MoneyTest(unittest.TestCase):
    def test_reads_and_writes_the_same_text(self):
        for text in ["0.00", "0.05", "12.50", "-0.05", "-3.10", "1000000.01"]:
            self.assertEqual(str(Money.parse(text)), text)

    def test_refuses_text_that_leaves_room_to_guess(self):
        for text in ["", "12", "12.5", "12,50", "1e3", " 1.00", "1.00\n", "1.000"]:
            with self.assertRaises(ValueError, msg=text):
                Money.parse(text)

    def test_refuses_floats(self):
        with self.assertRaises(TypeError):
            Money(0.1)
        with self.assertRaises(TypeError):
            Money(100) * 0.5

    def test_adds_without_drift(self):
        self.assertEqual(total([Money.parse("0.10")] * 3), Money.parse("0.30"))
        self.assertEqual(total([]), Money(0))
        self.assertEqual(Money(500) - Money(501), Money(-1))

    def test_multiplies(self):
        self.assertEqual(Money(333) * 3, Money(999))

    def test_splits_without_losing_a_cent(self):
        self.assertEqual(Money(1000).split(3), [Money(334), Money(333), Money(333)])
        for cents in [0, 1, 99, 100, -100, 12345]:
            for parts in range(1, 8):
                self.assertEqual(total(Money(cents).split(parts)), Money(cents))
        with self.assertRaises(ValueError):
            Money(1).split(0)

    def test_compares(self):
        self.assertLess(Money(99), Money(100))


if __name__ == "__main__":
    unittest.main()
