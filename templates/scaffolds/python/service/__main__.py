"""Serves until it is asked to end."""

import os
import signal
import sys
import threading

from service.http import Server


def main() -> None:
    port = int(os.environ.get("SVC_PORT") or os.environ.get("PORT") or 8080)
    with Server(("", port)) as server:

        def end(_signal: int, _frame: object) -> None:
            # `shutdown` waits for the loop below, so it cannot be called from within.
            threading.Thread(target=server.shutdown).start()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        print(f"listening at port {port}", file=sys.stderr, flush=True)
        server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
