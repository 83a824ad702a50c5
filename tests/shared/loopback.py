"""A web server on the loopback interface that serves a folder, and can misbehave."""

import contextlib
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer


@contextlib.contextmanager
def serving(folder):
    """Yield (address, asked, faults) of a server for a folder.

    asked: the paths of the GET requests so far. faults: last part of a path -> "half" (says how long the file is, sends
    half of it and hangs up) or "other" (a file of the right length whose middle byte differs); change it at any time.
    """
    asked, faults = [], {}

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(folder))

        def log_message(self, *args):
            pass

        def do_GET(self):
            asked.append(self.path.lstrip("/"))
            fault = faults.get(self.path.rsplit("/")[-1])
            if fault is None:
                return super().do_GET()
            content = bytearray((folder / self.path.lstrip("/")).read_bytes())
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            content[len(content) // 2] ^= 1
            self.wfile.write(content if fault == "other" else content[: len(content) // 2])

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked, faults
        finally:
            server.shutdown()
            thread.join()
