"""What is asked of every SCIM server: the requests of each operation, and what is made ready for them."""
import itertools
import json
import random
import threading
from urllib.parse import quote

from servers import DOMAIN, Client

NUMBER = "NNNNNNNNN"
"""Stands for a number that is another with each request (load.lua)."""
LINES = 4000
"""How many requests are sent before they begin anew."""
PAGE = 100
GROUP = 10_000
SPARE = 1_000
"""People beyond those in the group, who come in and go."""
AT_ONCE = 16
"""Connections of the load; as many requests of one organization Vestibule works on at once."""
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def number(of):
    return of if isinstance(of, str) else f"{of:09d}"


def address(of):
    return f"person.{number(of)}@{DOMAIN}"


def person(of):
    """A person as identity providers send one."""
    return {
        "schemas": [USER], "userName": address(of), "externalId": f"x{number(of)}",
        "name": {"givenName": "Given", "familyName": f"Family {number(of)}"}, "displayName": f"Given Family {number(of)}",
        "emails": [{"value": address(of), "type": "work", "primary": True}], "active": True,
    }


def patch(*operations):
    return {"schemas": [PATCH], "Operations": list(operations)}


def line(server, method, path, body=None):
    text = "" if body is None else json.dumps(body)
    return f"{method}\t{server.base}{path}\t{text}\n"


def some(server, chance):
    """Numbers of people, by chance."""
    return (chance.randrange(len(server.people)) for _ in range(LINES))


def creates(server, _chance):
    return [line(server, "POST", "/Users", person(NUMBER))]


def lookups(attribute, value):
    def lines(server, chance):
        asked = (f'{attribute} eq "{value(of)}"' for of in some(server, chance))
        return [line(server, "GET", f"/Users?filter={quote(text)}") for text in asked]
    return lines


def reads(server, chance):
    return [line(server, "GET", f"/Users/{server.people[of]}") for of in some(server, chance)]


def pages(server, chance):
    last = len(server.people) - PAGE
    starts = (chance.randrange(1, last) for _ in range(LINES))
    return [line(server, "GET", f"/Users?startIndex={start}&count={PAGE}") for start in starts]


def first_pages(server, _chance):
    return [line(server, "GET", f"/Users?startIndex=1&count={PAGE}")]


def patches(server, chance):
    body = patch({"op": "replace", "path": "title", "value": f"Title {NUMBER}"})
    return [line(server, "PATCH", f"/Users/{server.people[of]}", body) for of in some(server, chance)]


def in_and_out(server, group, people):
    """Somebody comes into a group and goes out again, one after the other."""
    requests = []
    for who in people:
        into = patch({"op": "add", "path": "members", "value": [{"value": who}]})
        out = patch({"op": "remove", "path": f'members[value eq "{who}"]'})
        requests += [line(server, "PATCH", f"/Groups/{group}", body) for body in (into, out)]
    return requests


def members(server, _chance):
    return in_and_out(server, server.group, server.spare)


OPERATIONS = {
    "create": (creates, AT_ONCE),
    "lookup by userName": (lookups("userName", address), AT_ONCE),
    "lookup by externalId": (lookups("externalId", lambda of: f"x{number(of)}"), AT_ONCE),
    "GET": (reads, AT_ONCE),
    "first page of 100": (first_pages, AT_ONCE),
    "page of 100 anywhere": (pages, AT_ONCE),
    "PATCH of a user": (patches, AT_ONCE),
    "one member in or out": (members, 1),
}


def seed(server, people):
    """Makes so many people over several connections; keeps their ids."""
    server.people = [None] * people
    numbers = iter(range(people))
    lock = threading.Lock()

    def work():
        client = Client(server)
        while True:
            with lock:
                of = next(numbers, None)
            if of is None:
                return
            server.people[of] = client.ask("POST", "/Users", person(of))["id"]

    workers = [threading.Thread(target=work) for _ in range(AT_ONCE)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if None in server.people:
        raise SystemExit(f"{server.name}: not everybody could be made")


def make_group(server, name, people, step=GROUP):
    """A group of these people; gives its id."""
    client = Client(server)
    made = client.ask("POST", "/Groups", {"displayName": name, "members": []})["id"]
    for some_of_them in batches(people, step):
        joined = [{"value": who} for who in some_of_them]
        client.ask("PATCH", f"/Groups/{made}", patch({"op": "add", "path": "members", "value": joined}))
    return made


def gather(server, step=GROUP):
    """Makes the group of GROUP members; with fewer people, of all but those who are to come and go."""
    size = min(GROUP, len(server.people) - SPARE)
    server.members, server.spare = server.people[:size], server.people[size:size + SPARE]
    server.group = make_group(server, "Everybody", server.members, step)


def batches(items, size):
    items = iter(items)
    while batch := list(itertools.islice(items, size)):
        yield batch


def look(server, people):
    """Asks a few questions whose answers are known, so that nobody is measured who answers wrongly."""
    client, chance = Client(server), random.Random(1)
    for of in (0, people - 1, chance.randrange(people)):
        for attribute, value in (("userName", address(of)), ("externalId", f"x{number(of)}")):
            if f"lookup by {attribute}" in server.cannot:
                continue
            wanted = f'{attribute} eq "{value}"'
            found = client.ask("GET", f"/Users?filter={quote(wanted)}")
            if [one["id"] for one in found["Resources"]] != [server.people[of]]:
                raise SystemExit(f"{server.name}: {attribute} {value} finds {found}")
        if client.ask("GET", f"/Users/{server.people[of]}")["userName"] != address(of):
            raise SystemExit(f"{server.name}: GET gives somebody else")
    page = client.ask("GET", f"/Users?startIndex={people // 2}&count={PAGE}")
    if len(page["Resources"]) != PAGE or (page["totalResults"] < people and "true totalResults" not in server.cannot):
        raise SystemExit(f"{server.name}: a page has {len(page['Resources'])} of {page['totalResults']}")
