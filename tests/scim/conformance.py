"""Runs scim2-tester (PyPI) against a SCIM server, and says which of its checks failed. Prints a line for each.

usage: conformance.py URL TOKEN DOMAIN

Its random people get addresses of DOMAIN, as an identity provider that proved it would send: any other address is
refused here, and rightly (S4). Nothing else of it is changed.
"""

import sys
import uuid

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server
from scim2_tester import filling

url, token, domain = sys.argv[1:]


def addresses_of_the_domain(path, chosen=filling.get_random_example_value):
    """What stands for `userName` and `emails.value`; everything else is scim2-tester's own choice."""
    binding = path.resolve()
    name = binding.target_field_name if binding else None
    model = binding.target_model.__name__.lower() if binding and binding.target_model else ""
    if name == "user_name" or (name == "value" and "email" in model):
        return f"{uuid.uuid4()}@{domain}"
    return chosen(path)


filling.get_random_example_value = addresses_of_the_domain

client = Client(base_url=url, headers={"Authorization": f"Bearer {token}"})
results = check_server(SyncSCIMClient(client))
for result in results:
    reason = " ".join(str(result.reason or "").split())
    print(f"{result.status.name:10} {result.title or ''} {result.resource_type or ''}: {reason}")
failed = [result for result in results if result.status in (Status.ERROR, Status.CRITICAL)]
print(f"{len(results)} checks, {len(failed)} failures")
sys.exit(1 if failed or len(results) < 50 else 0)
