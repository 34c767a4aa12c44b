"""What an order comes to, with neighbours made of a dictionary."""

import unittest

from orders import Orders, Refused, Unknown, receipt_lines

PRODUCTS = {
    "tea": {"name": "Tea", "cents": 790, "taxClass": "reduced"},
    "mug": {"name": "Mug", "cents": 1250, "taxClass": "standard"},
}


def flat_quote(tax_class, cents, quantity):
    net, tax = cents * quantity, {"reduced": 43, "standard": 250}[tax_class] * quantity
    return {"net": net, "tax": tax, "gross": net + tax}


class OrdersTest(unittest.TestCase):
    def setUp(self):
        self.orders = Orders(PRODUCTS.get, flat_quote)

    def test_adds_up(self):
        items = [{"sku": "tea", "quantity": 2}, {"sku": "mug"}]
        order = self.orders.place({"items": items, "instalments": 3})
        self.assertEqual([line["gross"] for line in order["lines"]], ["16.66", "15.00"])
        self.assertEqual(order["tax"], "3.36")
        self.assertEqual(order["total"], "31.66")
        self.assertEqual(order["instalments"], ["10.56", "10.55", "10.55"])

    def test_remembers(self):
        first = self.orders.place({"items": [{"sku": "tea"}]})
        second = self.orders.place({"items": [{"sku": "mug"}]})
        self.assertEqual([first["id"], second["id"]], [1, 2])
        self.assertEqual(self.orders.find(2), second)
        for number in [0, 3]:
            with self.assertRaises(Unknown):
                self.orders.find(number)

    def test_refuses_what_cannot_be_sold(self):
        tea = [{"sku": "tea"}]
        for wish in [
            None,
            [],
            {},
            {"items": []},
            {"items": ["tea"]},
            {"items": [{"sku": "unicorn"}]},
            {"items": [{"sku": "tea", "quantity": 0}]},
            {"items": [{"sku": "tea", "quantity": 1.5}]},
            {"items": tea, "instalments": 13},
            {"items": tea, "instalments": True},
        ]:
            with self.assertRaises(Refused, msg=wish):
                self.orders.place(wish)
        self.assertEqual(self.orders.placed, [])

    def test_writes_the_lines_of_a_receipt(self):
        order = self.orders.place({"items": [{"sku": "mug", "quantity": 2}]})
        self.assertEqual(receipt_lines(order), "Mug\t2\t30.00\ntotal\t30.00\n")


if __name__ == "__main__":
    unittest.main()
