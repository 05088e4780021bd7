"""Checks X-Vestibule-Assertion in Python, with PyJWT and cryptography (Debian: python3-jwt, python3-cryptography).

    check_assertion.py PUBLIC_URL AUDIENCE < assertion
"""

import json
import sys

import jwt


def check(assertion, public_url, audience):
    """The claims of a genuine assertion; raises jwt.PyJWTError for any other. Keep one PyJWKClient in a real app."""
    keys = jwt.PyJWKClient(f"{public_url}/.vestibule/jwks.json")
    key = keys.get_signing_key_from_jwt(assertion)
    return jwt.decode(
        assertion,
        key.key,
        algorithms=["EdDSA"],
        audience=audience,
        issuer=public_url,
        options={"require": ["exp", "iat", "sub", "email"]},
    )


if __name__ == "__main__":
    try:
        print(json.dumps(check(sys.stdin.read().strip(), sys.argv[1], sys.argv[2])))
    except jwt.PyJWTError as error:
        sys.exit(f"refused: {error}")
