"""orders: takes orders, and remembers them until it stops. Starts the server."""

import signal
import sys

from service import Server

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Server() as server:
        print(f"orders listening on 127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()
