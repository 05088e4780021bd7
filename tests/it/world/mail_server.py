"""A real mail server (aiosmtpd) for the tests: keeps what it takes as files, and refuses as a real one would."""

import argparse
import asyncio
import pathlib
import ssl

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class Keeper:
    """Keeps each mail in a file of its own; who the recipient is says what else happens."""

    def __init__(self, folder):
        self.folder, self.count, self.seen = folder, 0, set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0]
        if name.startswith("refused"):
            return f"550 5.1.1 {address} is nobody here"
        if name.startswith("later") and address not in self.seen:
            self.seen.add(address)
            return f"451 4.7.1 {address} is greylisted"
        if name.startswith("closing") and address not in self.seen:
            self.seen.add(address)
            return "421 4.3.0 closing"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_MAIL(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "553 5.7.1 that is not yours"
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        secure = "tls" if session.ssl else "plain"
        login = session.auth_data.login if session.authenticated else None
        head = f"X-To: {','.join(envelope.rcpt_tos)}\r\nX-From: {envelope.mail_from}\r\nX-Way: {secure}\r\n"
        head += f"X-Login: {login.decode() if login else ''}\r\n"
        path = self.folder / f"{self.count:05}.part"
        path.write_bytes(head.encode() + envelope.original_content)
        path.rename(path.with_suffix(".eml"))
        return "250 taken"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--tls", choices=["none", "starttls", "wrapped"], default="none")
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--login")
    options = parser.parse_args()
    context = None
    if options.tls != "none":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate, options.key)
    keeper = Keeper(options.folder)

    def authenticate(server, session, envelope, mechanism, data):
        if not isinstance(data, LoginPassword):
            return AuthResult(success=False, handled=False)
        if f"{data.login.decode()}:{data.password.decode()}" == options.login:
            return AuthResult(success=True, auth_data=data)
        return AuthResult(success=False, handled=False)

    def factory():
        starttls = context if options.tls == "starttls" else None
        return SMTP(
            keeper,
            hostname="localhost",
            tls_context=starttls,
            require_starttls=starttls is not None,
            authenticator=authenticate,
            auth_required=options.login is not None,
            auth_require_tls=False,
        )

    async def serve():
        wrapped = context if options.tls == "wrapped" else None
        server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", options.port, ssl=wrapped)
        await server.serve_forever()

    asyncio.run(serve())


main()
