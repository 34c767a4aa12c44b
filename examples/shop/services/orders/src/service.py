"""The HTTP side of orders: POST /orders, GET /orders/<id>, GET /orders/<id>/receipt."""

import json
import os
import re
import socketserver
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import neighbours
from orders import Orders, Refused, Unknown, receipt_lines

LONGEST_BODY = 64 * 1024


class Handler(BaseHTTPRequestHandler):
    timeout = 5  # a client that falls silent does not keep its thread for ever

    def do_GET(self):
        order = re.fullmatch(r"/orders/([0-9]{1,9})(/receipt)?", self.path)
        if self.path == "/healthz":
            self.reply(200, "ok\n", "text/plain")
        elif order:
            self.attempt(self.receipt if order[2] else self.show, int(order[1]))
        else:
            self.refuse(404, "no such page")

    def do_POST(self):
        if self.path == "/orders":
            self.attempt(self.place)
        else:
            self.refuse(404, "no such page")

    def attempt(self, action, *arguments):
        try:
            action(*arguments)
        except Unknown as error:
            self.refuse(404, str(error))
        except Refused as error:
            self.refuse(400, str(error))
        except (OSError, HTTPException, KeyError, ValueError) as error:
            self.refuse(502, f"a neighbour did not answer, or not well: {error}")

    def place(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LONGEST_BODY:
            raise Refused("send an order, and its length")
        try:
            wish = json.loads(self.rfile.read(int(length)))
        except ValueError:
            raise Refused("an order is JSON") from None
        self.reply(201, json.dumps(self.server.orders.place(wish)))

    def show(self, number):
        self.reply(200, json.dumps(self.server.orders.find(number)))

    def receipt(self, number):
        text = neighbours.receipt(receipt_lines(self.server.orders.find(number)))
        self.reply(200, text, "text/plain; charset=utf-8")

    def refuse(self, status, why):
        self.reply(status, json.dumps({"error": why}))

    def reply(self, status, text, kind="application/json"):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass  # a test's output should show failures, not requests


class Server(ThreadingHTTPServer):
    def __init__(self):
        super().__init__(("127.0.0.1", int(os.environ.get("SVC_PORT", "8082"))), Handler)
        self.orders = Orders(neighbours.find_product, neighbours.quote)

    def server_bind(self):
        # Not HTTPServer's own, which asks the DNS for the name of this machine.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address
