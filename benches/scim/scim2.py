"""The ASGI application of scim2-server over its storage in memory, with one bearer token, for uvicorn: its own command
serves with Python's `wsgiref`, which closes each connection and refuses sixteen at once."""
import os

from scim2_models import UnauthorizedException
from scim2_server.applications.asgi import ASGIApplication
from scim2_server.memory import AsyncInMemoryStorage
from scim2_server.utils import load_default_provider


class Application(ASGIApplication):
    def check_auth(self, request):
        if request.header("Authorization") != f"Bearer {os.environ['TOKEN']}":
            raise UnauthorizedException


application = Application(AsyncInMemoryStorage(), load_default_provider())
