"""Starts the packed service on a free port, among stubs of its neighbours."""

import json
import os
import subprocess
import sys
import threading
import unittest
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

opener = build_opener(ProxyHandler({}))


class Stub(BaseHTTPRequestHandler):
    """catalog, pricing and receipts at once: it sells tea."""

    def do_GET(self):
        if self.path == "/products/tea":
            self.reply(200, '{"sku": "tea", "name": "Tea", "cents": 790, "taxClass": "reduced"}')
        elif self.path == "/quote?class=reduced&price=790&quantity=3":
            self.reply(200, '{"net": 2370, "tax": 130, "gross": 2500}')
        elif self.path == "/products/broken":
            self.reply(500, "{}")
        else:
            self.reply(404, "{}")

    def do_POST(self):
        lines = self.rfile.read(int(self.headers["Content-Length"]))
        self.reply(200, f"RECEIPT\n{lines.decode()}")

    def reply(self, status, text):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


class HttpTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stub = HTTPServer(("127.0.0.1", 0), Stub)
        threading.Thread(target=cls.stub.serve_forever, args=[0.01]).start()
        cls.addClassCleanup(cls.stub.server_close)
        cls.addClassCleanup(cls.stub.shutdown)

        there = f"http://127.0.0.1:{cls.stub.server_port}"
        urls = {f"SVC_URL_{name}": there for name in ["CATALOG", "PRICING", "RECEIPTS"]}
        cls.service = subprocess.Popen(
            [sys.executable, "dist/orders.pyz"],
            env={**os.environ, **urls, "SVC_PORT": "0"},
            stdout=subprocess.PIPE,
            text=True,
        )
        cls.addClassCleanup(cls.stop)
        cls.url = f"http://{cls.service.stdout.readline().split()[-1]}"

    @classmethod
    def stop(cls):
        cls.service.terminate()
        status = cls.service.wait()
        cls.service.stdout.close()
        assert status == 0, f"SIGTERM ended it with status {status}"

    def ask(self, path, body=None):
        data = None if body is None else body.encode()
        try:
            with opener.open(self.url + path, data, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def test_is_healthy(self):
        self.assertEqual(self.ask("/healthz"), (200, "ok\n"))

    def test_takes_an_order_and_prints_its_receipt(self):
        status, text = self.ask("/orders", '{"items": [{"sku": "tea", "quantity": 3}]}')
        order = json.loads(text)
        self.assertEqual((status, order["total"]), (201, "25.00"))

        path = f"/orders/{order['id']}"
        self.assertEqual(self.ask(path), (200, text))
        self.assertEqual(self.ask(f"{path}/receipt"), (200, "RECEIPT\nTea\t3\t25.00\ntotal\t25.00\n"))

    def test_says_whose_fault_it_is(self):
        for body in ["", "tea please", "{}", '{"items": [{"sku": "unicorn"}]}']:
            self.assertEqual(self.ask("/orders", body)[0], 400, body)
        self.assertEqual(self.ask("/orders", '{"items": [{"sku": "broken"}]}')[0], 502)
        self.assertEqual(self.ask("/orders/99")[0], 404)
        self.assertEqual(self.ask("/elsewhere")[0], 404)


if __name__ == "__main__":
    unittest.main()
