"""A small OpenID Connect provider on this machine: signs in whoever its form names."""

import hashlib
import json
import secrets
import threading
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.helpers.ports import free_port

CLIENT, SECRET = "explorer", "the secret of the client"


class Provider:
    """The state of a provider.

    Attributes:
        address: Issuer.
        requests: Paths that were requested.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.requests: list[str] = []
        self.key = RSAKey.generate_key(2048, {"kid": "1", "use": "sig", "alg": "RS256"})
        self.codes: dict[str, dict[str, Any]] = {}

    def metadata(self) -> dict[str, Any]:
        """The document of the discovery."""
        return {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }

    def approve(self, request: dict[str, str], email: str) -> str:
        """Return the address to which the browser goes with a code."""
        assert request["client_id"] == CLIENT
        code = secrets.token_urlsafe()
        self.codes[code] = request | {"email": email}
        return f"{request['redirect_uri']}?{urlencode({'code': code, 'state': request['state']})}"

    def tokens(self, form: dict[str, str], authorization: str) -> dict[str, Any]:
        """Exchange a code, once, after the checks of RFC 6749 and RFC 7636."""
        client, _colon, secret = urlsafe_b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        assert (client, secret.replace("+", " ").replace("%20", " ")) == (CLIENT, SECRET)
        request = self.codes.pop(form["code"])
        assert form["redirect_uri"] == request["redirect_uri"]
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        assert urlsafe_b64encode(digest).rstrip(b"=").decode() == request["code_challenge"]
        now = int(time.time())
        claims = {
            "iss": self.address, "aud": CLIENT, "sub": request["email"], "iat": now, "exp": now + 600,
            "nonce": request["nonce"], "email": request["email"], "email_verified": True,
        }  # fmt: skip
        token = jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.key)
        return {"access_token": secrets.token_urlsafe(), "token_type": "Bearer", "expires_in": 600, "id_token": token}

    def secrets_toml(self, app: str, cookie_secret: str) -> str:
        """The file that Streamlit reads for sign-in at this provider."""
        return (
            f'[auth]\nredirect_uri = "{app}/oauth2callback"\ncookie_secret = "{cookie_secret}"\n'
            f'client_id = "{CLIENT}"\nclient_secret = "{SECRET}"\n'
            f'server_metadata_url = "{self.address}/.well-known/openid-configuration"\n'
            "client_kwargs = { timeout = 120 }\n"  # 5 seconds of httpx are too short on a busy machine
        )


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            provider.requests.append(url.path)
            match url.path:
                case "/.well-known/openid-configuration":
                    self._json(provider.metadata())
                case "/keys":
                    self._json({"keys": [provider.key.as_dict(private=False)]})
                case "/authorize":
                    hidden = "".join(
                        f'<input type="hidden" name="{escape(key)}" value="{escape(values[0])}">'
                        for key, values in parse_qs(url.query).items()
                    )
                    self._send(
                        f'<form method="post" action="/authorize">{hidden}<label>E-mail <input name="email"></label>'
                        "<button>Continue</button></form>",
                        "text/html",
                    )
                case _:
                    self.send_error(404)

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            form = {key: values[0] for key, values in parse_qs(self.rfile.read(length).decode()).items()}
            if urlsplit(self.path).path == "/token":
                self._json(provider.tokens(form, self.headers["Authorization"]))
                return
            self.send_response(303)
            self.send_header("Location", provider.approve(form, form.pop("email")))
            self.end_headers()

        def _json(self, document: object) -> None:
            self._send(json.dumps(document), "application/json")

        def _send(self, text: str, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_arguments: object) -> None:
            pass

    return Handler


@contextmanager
def provider() -> Iterator[Provider]:
    """Run a provider in a thread of this process."""
    port = free_port()
    made = Provider(f"http://localhost:{port}")
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(made))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()
