"""What an order is. Knows nothing of HTTP: the neighbours are handed in."""

import threading

from money import Money, total


class Refused(Exception):
    """Somebody asked for something that cannot be; the text says what."""


class Unknown(Refused):
    """Somebody asked for an order that nobody has placed."""


class Orders:
    def __init__(self, find_product, quote):
        self.find_product = find_product
        self.quote = quote
        self.placed = []
        self.lock = threading.Lock()

    def place(self, wish):
        """Turns {"items": [{"sku", "quantity"}], "instalments": 1} into an order."""
        items = wish.get("items") if isinstance(wish, dict) else None
        if not isinstance(items, list) or not items:
            raise Refused("an order needs items")
        instalments = wish.get("instalments", 1)
        if type(instalments) is not int or not 1 <= instalments <= 12:
            raise Refused("instalments are a number from 1 to 12")

        lines = [self.line(item) for item in items]
        due = total(line["gross"] for line in lines)
        order = {
            "lines": [{**line, "gross": str(line["gross"]), "tax": str(line["tax"])} for line in lines],
            "tax": str(total(line["tax"] for line in lines)),
            "total": str(due),
            "instalments": [str(share) for share in due.split(instalments)],
        }
        with self.lock:
            order = {"id": len(self.placed) + 1, **order}
            self.placed.append(order)
        return order

    def line(self, item):
        sku = item.get("sku") if isinstance(item, dict) else None
        quantity = item.get("quantity", 1) if isinstance(item, dict) else None
        if not isinstance(sku, str) or type(quantity) is not int or not 1 <= quantity <= 999:
            raise Refused(f"not an item with a sku and a quantity from 1 to 999: {item}")
        product = self.find_product(sku)
        if product is None:
            raise Refused(f"no such product: {sku}")
        quote = self.quote(product["taxClass"], product["cents"], quantity)
        return {
            "sku": sku,
            "name": product["name"],
            "quantity": quantity,
            "tax": Money(quote["tax"]),
            "gross": Money(quote["gross"]),
        }

    def find(self, number):
        with self.lock:
            if not 1 <= number <= len(self.placed):
                raise Unknown(f"no such order: {number}")
            return self.placed[number - 1]


def receipt_lines(order):
    """The order as the receipts service wants it: a line per item, then the total."""
    lines = [(line["name"], str(line["quantity"]), line["gross"]) for line in order["lines"]]
    return "".join("\t".join(line) + "\n" for line in [*lines, ("total", order["total"])])
