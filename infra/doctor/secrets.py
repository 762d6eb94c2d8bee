"""Replace what a stranger must not read: credentials, signatures, passwords, keys, account ids, e-mail addresses."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botocore.credentials import Credentials

HIDDEN = "[hidden]"
ACCOUNT = "[account]"

_NAMES = (
    "(?:aws_?)?secret_?(?:access_?)?key|(?:aws_?)?session_?token|security_?token|secret_?string|"
    "pass(?:word|wd|phrase)|private_?key|api_?key|auth_?token|access_?token|client_?secret|token|secret"
)
_VALUE = r"[^\s\"'&,;<>\\}\]]{4,}"

_PATTERNS: tuple[tuple["re.Pattern[str]", str], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), HIDDEN),
    (re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}\b"), HIDDEN),
    (re.compile(r"(X-Amz-(?:Signature|Credential|Security-Token)=)[^&\s\"'\\]+", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"\b((?:Bearer|Basic)\s+)[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"(\w+://[^/\s:@]+:)[^@\s/]+(@)"), rf"\1{HIDDEN}\2"),
    (
        re.compile(rf"((?<![a-z])(?<![\]\d]:)(?:{_NAMES})\\?[\"']?\s*[:=]\s*\\?[\"']?){_VALUE}", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
    # A secret access key without a name: 40 characters of base64, at least one of each kind. The CDK's logical ids may
    # have that form too, and end in a hash.
    (
        re.compile(
            r"(?<![\w/+=])(?!\w{32}[A-F0-9]{8}(?!\w))"
            r"(?=[\w/+]*[a-z])(?=[\w/+]*[A-Z])(?=[\w/+]*\d)[A-Za-z0-9/+]{40}(?![\w/+=])"
        ),
        HIDDEN,
    ),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "[e-mail]"),
    (re.compile(r"(arn:[\w-]+:[\w-]*:[\w-]*:)\d{12}(?=:)"), rf"\1{ACCOUNT}"),
)


class Redact:
    """Replaces secrets in texts; the caller's credentials and account wherever they occur."""

    def __init__(self, credentials: "Credentials | None", account: str = "") -> None:
        self._own = {account: ACCOUNT} if account else {}
        if credentials is not None:
            # Short values are the local cloud's public key: hiding every occurrence would hide words.
            own = (credentials.access_key, credentials.secret_key, credentials.token)
            self._own |= {value: HIDDEN for value in own if value and len(value) >= 16}

    def __call__(self, text: str) -> str:
        """Return the text without secrets."""
        for value, replacement in self._own.items():
            text = text.replace(value, replacement)
        for pattern, substitute in _PATTERNS:
            text = pattern.sub(substitute, text)
        return text
