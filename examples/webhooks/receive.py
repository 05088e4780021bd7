"""Receives Vestibule's webhooks in Python, with nothing but its standard library.

    receive.py PORT SECRET...        SECRET as in [[webhook]], whsec_...; several while one replaces another

Prints a line for each event: its id, its type, its data.
"""

import base64
import hashlib
import hmac
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE = 300  # seconds
LIMIT = 64 * 1024  # bytes


class Refused(Exception):
    pass


def verify(secrets, headers, body):
    """The event in a genuine request; raises Refused for any other. The body as it came, before anything parses it."""
    identity, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not identity or not moment.isascii() or not moment.isdigit() or abs(time.time() - int(moment)) > TOLERANCE:
        raise Refused("no id, or too old")
    content = f"{identity}.{moment}.".encode() + body
    expected = []
    for secret in secrets:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        tag = hmac.new(key, content, hashlib.sha256).digest()
        expected.append("v1," + base64.b64encode(tag).decode())
    given = headers.get("webhook-signature", "").split(" ")
    if not any(hmac.compare_digest(one.encode(), other.encode()) for one in given for other in expected):
        raise Refused("no good signature")
    return identity, json.loads(body)


class Receiver(BaseHTTPRequestHandler):
    seen = set()  # in a real app: a table, written in the transaction that takes the event over

    def do_POST(self):
        length = int(self.headers.get("content-length", 0))
        if length > LIMIT:
            self.answer(413)
            return
        try:
            identity, event = verify(sys.argv[2:], self.headers, self.rfile.read(length))
        except Refused:
            self.answer(401)
            return
        # Events come at least once: the id tells which one was here before.
        if identity not in self.seen:
            self.seen.add(identity)
            print(identity, event["type"], json.dumps(event["data"]), flush=True)
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
