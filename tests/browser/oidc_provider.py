"""A provider of OpenID Connect on this machine, for tests: whoever asks is signed in as the person that is set."""

from __future__ import annotations

import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "landslide-lens"


class Provider:
    """Discovery, authorisation, tokens and keys. person: the claims of who signs in next; refused: tokens are wrong."""

    def __init__(self) -> None:
        self.key, self.person, self.nonces, self.forged = RSAKey.generate_key(2048), {}, {}, False
        self.key.ensure_kid()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"provider": self}))
        self.url = f"http://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Answer nobody any more."""
        self.server.shutdown()
        self.server.server_close()

    def discovery(self) -> dict:
        """What OpenID Connect Discovery asks for."""
        ways = {f"{way}_endpoint": f"{self.url}/{way}" for way in ("authorization", "token", "end_session")}
        return ways | {
            "issuer": self.url, "jwks_uri": f"{self.url}/jwks", "response_types_supported": ["code"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"],
        }  # fmt: skip

    def begin(self, asked: dict[str, str]) -> str:
        """Where the browser goes once the person has signed in."""
        code = secrets.token_hex(8)
        self.nonces[code] = asked.get("nonce", "")
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, code: str) -> dict:
        """The identity token of a code, once."""
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "sub": "1", "iat": now, "exp": now + 600, **self.person}
        claims["nonce"] = self.nonces.pop(code)
        key = RSAKey.generate_key(2048) if self.forged else self.key
        signed = jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, key)
        return {"access_token": "x", "token_type": "Bearer", "expires_in": 600, "id_token": signed}


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/.well-known/openid-configuration":
            self._json(self.provider.discovery())
        elif parts.path == "/jwks":
            self._json({"keys": [self.provider.key.as_dict(private=False)]})
        elif parts.path == "/authorization":
            self._go(self.provider.begin(asked))
        elif parts.path == "/end_session":
            self._go(asked["post_logout_redirect_uri"])
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self._json(self.provider.token(body["code"][0]))

    def _json(self, value: dict) -> None:
        content = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _go(self, place: str) -> None:
        self.send_response(302)
        self.send_header("Location", place)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Nobody reads it."""
