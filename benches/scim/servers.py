"""The SCIM servers of the comparison: how each is started, what its base URL and its token are, what it can't do."""
import glob
import json
import os
import shutil
import subprocess
import time
import urllib.parse
from dataclasses import dataclass, field
from http.client import HTTPConnection

from processes import RELEASE, ROOT, family, free_port, wait, write

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = os.path.join(ROOT, "target/scim-peers")
DOMAIN = "bench.example"
TOKEN = "for-measurements-alone"
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
SERVER_CORE = 0
"""The load generator has the other one."""
STARTED = []
"""Whatever was started, so that nothing outlives the measurement."""


def start(command, port, **more):
    """Starts a server on its core, and waits until it listens."""
    process = subprocess.Popen(["taskset", "-c", str(SERVER_CORE), *command], **more)
    STARTED.append(process)
    if port:
        wait(port, process)
    return process


def end(process):
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def end_all():
    for process in reversed(STARTED):
        end(process)


@dataclass
class Server:
    """A server under test."""

    name: str
    port: int
    base: str
    token: str
    processes: list
    cannot: dict = field(default_factory=dict)
    """Operations that it does not have, and why."""
    people: list = field(default_factory=list)
    """The ids that it gave, by the numbers of the people."""
    group: str = ""
    """The group of GROUP members, and who is in it, and who comes in and goes out."""
    members: list = field(default_factory=list)
    spare: list = field(default_factory=list)
    next_number: int = 0

    def pids(self):
        return [pid for process in self.processes for pid in family(process.pid)]

    def stop(self):
        for process in reversed(self.processes):
            end(process)


class Client:
    """One connection; for what is made ready and for what is asked once."""

    def __init__(self, server):
        self.server = server
        self.connection = HTTPConnection("127.0.0.1", server.port, timeout=600)

    def ask(self, method, path, body=None, expected=(200, 201, 204)):
        headers = {"Authorization": f"Bearer {self.server.token}", "Content-Type": "application/scim+json"}
        text = json.dumps(body) if body is not None else None
        self.connection.request(method, self.server.base + path, text, headers)
        answer = self.connection.getresponse()
        told = answer.read()
        if answer.status not in expected:
            raise SystemExit(f"{self.server.name}: {method} {path[:100]} gives {answer.status}: {told[:500]}")
        return json.loads(told) if told else None


def query(**parameters):
    return "?" + urllib.parse.urlencode(parameters)


class Vestibule:
    """A Vestibule with one organization, and what it takes to start it again."""

    def __init__(self, home, name):
        self.folder = os.path.join(home, name)
        self.binary = os.path.join(RELEASE, "vestibule")
        self.ports = {key: free_port() for key in ("proxy", "scim", "ops")}
        self.conf = write(f"{self.folder}/vestibule.toml", f"""
public_url = "http://127.0.0.1:{self.ports['proxy']}"
threads = 1
[listen]
proxy = "127.0.0.1:{self.ports['proxy']}"
scim = "127.0.0.1:{self.ports['scim']}"
ops = "127.0.0.1:{self.ports['ops']}"
[store]
path = "data"
[[upstream]]
name = "app"
addresses = ["127.0.0.1:{free_port()}"]
[log]
level = "warn"
""")
        self.server = Server("Vestibule", self.ports["scim"], "/scim/v2", "", [])
        self.start()
        for command in (["org", "create", "bench", "--name", "Bench"],
                        ["domain", "claim", "bench", DOMAIN, "--trusted"]):
            self.command(*command)
        self.server.token = self.command("scim-token", "issue", "bench").strip()

    def command(self, *words):
        done = subprocess.run([self.binary, *words, "--config", self.conf], check=True, capture_output=True, text=True)
        return done.stdout

    def start(self):
        """Starts it; gives the seconds until it says that it can decide."""
        began = time.monotonic()
        process = start([self.binary, "serve", "--config", self.conf], self.ports["ops"], **QUIET)
        self.server.processes = [process]
        while not self.is_ready():
            time.sleep(0.005)
        return time.monotonic() - began

    def is_ready(self):
        connection = HTTPConnection("127.0.0.1", self.ports["ops"], timeout=60)
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200


def scim2_server(_home):
    port = free_port()
    command = [f"{PEERS}/python/bin/uvicorn", "scim2:application", "--app-dir", HERE, "--port", str(port),
               "--no-access-log", "--log-level", "warning"]
    process = start(command, port, env={**os.environ, "TOKEN": TOKEN}, **QUIET)
    return Server("scim2-server", port, "/v2", TOKEN, [process])


def postgres(home):
    """A PostgreSQL that writes through to the disk before it acknowledges, as it does by itself; its URL."""
    binaries = sorted(glob.glob("/usr/lib/postgresql/*/bin")) + [os.path.dirname(shutil.which("postgres") or "")]
    binaries = next((folder for folder in reversed(binaries) if os.path.exists(f"{folder}/initdb")), None)
    if not binaries:
        raise SystemExit("PostgreSQL is missing: scripts/packages scim installs it")
    port, folder = free_port(), f"{home}/postgres"
    os.makedirs(folder)
    # It refuses to be run by root.
    who = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
    if who:
        shutil.chown(folder, "postgres", "postgres")
    subprocess.run([f"{binaries}/initdb", "-D", f"{folder}/data", "-U", "bench", "-A", "trust"], check=True, cwd=folder,
                   stdout=subprocess.DEVNULL, **who)
    options = ["-c", f"unix_socket_directories={folder}", "-c", "listen_addresses=127.0.0.1"]
    process = start([f"{binaries}/postgres", "-D", f"{folder}/data", "-p", str(port), *options], port,
                    cwd=folder, **who, **QUIET)
    time.sleep(1)
    return process, f"postgres://bench@127.0.0.1:{port}/postgres"


JACKSON_CANNOT = {
    "lookup by externalId": "compares with userName whatever is asked",
    "replace 10,000 members": "passes such a PATCH over",
    "GET of the group": "names no members",
    "true totalResults": "counts no further than a page",
}


def jackson(home, engine):
    port, processes, database = free_port(), [], []
    if engine == "sql":
        process, url = postgres(home)
        processes, database = [process], [url]
    command = ["node", f"{HERE}/jackson.js", str(port), engine, *database]
    node = start(command, None, cwd=f"{PEERS}/node", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    told = next((line.split() for line in node.stdout if line.startswith("ready ")), None)
    if not told:
        raise SystemExit(f"saml-jackson ended with {node.wait()}")
    name = "saml-jackson, PostgreSQL" if engine == "sql" else "saml-jackson, memory"
    return Server(name, port, told[1], told[2], [*processes, node], JACKSON_CANNOT)
