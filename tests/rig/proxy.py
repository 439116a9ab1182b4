#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A faulty reverse proxy in front of a registry, on 127.0.0.1.

proxy.py --upstream URL --port-file FILE --log FILE [--rule REGEX=ACTION[:ARG][*COUNT]]...

The first rule whose REGEX is found in "METHOD /path" and whose COUNT is not used up decides; without one the request is
passed on.  Actions:

  status:N        answer with HTTP status N and the distribution protocol's error document
  retry:N,SECONDS the same, with Retry-After: SECONDS
  truncate:N      pass on, but break off after N bytes of the body
  corrupt         pass on with the last byte of the body changed
  stall:N         send headers and N bytes of the body, then nothing
  norange         pass on without the Range header: answers 200 from the beginning
  redirect:URL    answer 307 with Location: URL + path
  bearer          ask for a token of our own /token unless the right one is there
  basic:U,P       ask for Basic credentials unless these are there
  slow:BPS        pass on, with so many bytes a second

Each request is logged in one line: METHOD PATH STATUS RANGE AUTHORIZATION-SCHEME.
"""

import argparse
import base64
import http.client
import http.server
import json
import re
import socketserver
import threading
import time
import urllib.parse

TOKEN = "rig-token"


class Rule:
    def __init__(self, text):
        pattern, _, action = text.partition("=")
        action, _, count = action.partition("*")
        action, _, self.arg = action.partition(":")
        self.pattern = re.compile(pattern)
        self.action = action
        self.left = int(count) if count else -1
        self.lock = threading.Lock()

    def take(self, line):
        if not self.pattern.search(line):
            return False
        with self.lock:
            if self.left == 0:
                return False
            self.left -= 1
            return True


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def note(self, status):
        auth = (self.headers.get("Authorization") or "-").split(" ")[0]
        line = f"{self.command} {self.path} {status} {self.headers.get('Range') or '-'} {auth}\n"
        with self.server.log_lock:
            with open(self.server.args.log, "a", encoding="utf-8") as log:
                log.write(line)

    def answer(self, status, headers=(), body=b""):
        self.note(status)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def error(self, status, headers=()):
        codes = {404: "MANIFEST_UNKNOWN", 401: "UNAUTHORIZED", 403: "DENIED", 429: "TOOMANYREQUESTS"}
        body = json.dumps({"errors": [{"code": codes.get(status, "UNKNOWN"),
                                       "message": "made up by the rig"}]}).encode()
        self.answer(status, [("Content-Type", "application/json"), *headers], body)

    def forward(self, drop_range=False):
        upstream = urllib.parse.urlsplit(self.server.args.upstream)
        connection = http.client.HTTPConnection(upstream.hostname, upstream.port)
        headers = {k: v for k, v in self.headers.items()
                   if k.lower() not in ("host", "authorization", "connection")}
        if drop_range:
            headers = {k: v for k, v in headers.items() if k.lower() != "range"}
        connection.request(self.command, self.path, headers=headers)
        return connection.getresponse()

    def send_head(self, response):
        self.note(response.status)
        self.send_response(response.status)
        for name, value in response.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "date", "server"):
                self.send_header(name, value)
        self.end_headers()

    def relay(self, drop_range=False, limit=None, corrupt=False, stall=False, rate=None):
        response = self.forward(drop_range)
        body = response.read()
        if corrupt and body:
            body = body[:-1] + bytes([body[-1] ^ 1])
        self.send_head(response)
        if self.command == "HEAD":
            return
        shown = body if limit is None else body[:limit]
        step = len(shown) if not rate else max(rate // 10, 1)
        for at in range(0, len(shown), step or 1):
            self.wfile.write(shown[at:at + step])
            self.wfile.flush()
            if rate:
                time.sleep(0.1)
        if stall and len(shown) < len(body):
            # Until the other side gives up, but not forever.
            self.connection.settimeout(60)
            try:
                self.connection.recv(1)
            except OSError:
                pass
        if len(shown) < len(body):
            self.close_connection = True

    def authorized(self, rule):
        given = self.headers.get("Authorization") or ""
        host = self.headers.get("Host")
        if rule.action == "basic":
            wanted = base64.b64encode(rule.arg.replace(",", ":").encode()).decode()
            if given == f"Basic {wanted}":
                return True
            self.error(401, [("WWW-Authenticate", 'Basic realm="rig"')])
            return False
        if given == f"Bearer {TOKEN}":
            return True
        challenge = f'Bearer realm="http://{host}/token",service="rig",scope="repository:x:pull"'
        self.error(401, [("WWW-Authenticate", challenge)])
        return False

    def act(self, rule):
        if rule.action == "status":
            self.error(int(rule.arg))
        elif rule.action == "retry":
            status, seconds = rule.arg.split(",", 1)
            self.error(int(status), [("Retry-After", seconds)])
        elif rule.action == "truncate":
            self.relay(limit=int(rule.arg))
        elif rule.action == "corrupt":
            self.relay(corrupt=True)
        elif rule.action == "stall":
            self.relay(limit=int(rule.arg), stall=True)
        elif rule.action == "norange":
            self.relay(drop_range=True)
        elif rule.action == "slow":
            self.relay(rate=int(rule.arg))
        elif rule.action == "redirect":
            self.answer(307, [("Location", rule.arg + self.path)])
        elif self.authorized(rule):
            self.relay()

    def handle_request(self):
        if self.path.startswith("/token"):
            self.answer(200, [("Content-Type", "application/json")],
                        json.dumps({"token": TOKEN, "expires_in": 300}).encode())
            return
        for rule in self.server.rules:
            if rule.take(f"{self.command} {self.path}"):
                self.act(rule)
                return
        self.relay()

    do_GET = handle_request
    do_HEAD = handle_request


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--port-file", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--rule", action="append", default=[])
    args = parser.parse_args()
    server = Server(("127.0.0.1", 0), Handler)
    server.args = args
    server.rules = [Rule(text) for text in args.rule]
    server.log_lock = threading.Lock()
    with open(args.port_file, "w", encoding="utf-8") as out:
        out.write(str(server.server_port) + "\n")
    server.serve_forever()


main()
