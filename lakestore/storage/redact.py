"""Keep secrets out of messages."""

import re
from collections.abc import Iterator, Mapping

_HIDDEN = "***"
_SECRET_KEY = re.compile(r"secret|token|pass|key|cred|sas|sig|auth|connection|username", re.IGNORECASE)
_NOT_SECRET = frozenset({"anon", "browser", "cache", "cloud", "google_default", "none", "true", "false"})
_SHORTEST = 4
_USERINFO = re.compile(r"(?<=://)[^/@\s'\"]+@")
_QUERY = re.compile(r"(https?://[^\s?'\"]+\?)[^\s'\"]+")
_PAIRS = re.compile(r"((?:AccountKey|SharedAccessSignature|sig|X-Amz-Signature)=)[^;&\s'\"]+", re.IGNORECASE)


class Redactor:
    """Replaces secrets in texts: those it was told of, user names and queries in URLs, and known key=value pairs.

    Args:
        options: Storage options; values whose key sounds like a secret are secrets, at any depth.
    """

    __slots__ = ("_secrets",)

    def __init__(self, options: Mapping[str, object] | None = None) -> None:
        # Longest first, so that a secret that holds another one goes as a whole.
        self._secrets = tuple(sorted(set(_secrets_in(options or {})), key=len, reverse=True))

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        text = _USERINFO.sub(f"{_HIDDEN}@", text)
        text = _QUERY.sub(rf"\1{_HIDDEN}", text)
        return _PAIRS.sub(rf"\1{_HIDDEN}", text)

    def __repr__(self) -> str:
        return f"Redactor({len(self._secrets)} secrets)"


def _secrets_in(options: Mapping[str, object], *, within_secret: bool = False) -> Iterator[str]:
    for name, value in options.items():
        secret = within_secret or bool(_SECRET_KEY.search(str(name)))
        if isinstance(value, Mapping):
            yield from _secrets_in(value, within_secret=secret)
        elif secret and isinstance(value, (str, bytes)):
            text = value.decode(errors="replace") if isinstance(value, bytes) else value
            if len(text) >= _SHORTEST and text.lower() not in _NOT_SECRET:
                yield text
