"""Letters to carriers over SMTP (RFC 5321), each attempt with an outcome that says what surely happened."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import formatdate
from typing import Final

import aiosmtplib
import structlog

from broadcasts.carrier_orders.letter import Letter
from broadcasts.carrier_orders.mailing import Posted
from broadcasts.carrier_orders.model import MailState
from loa.settings_sections import Mail

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS: Final = 30.0
"""For each step; RFC 5321 4.5.3.2 allows minutes, an order cannot wait so long."""
PERMANENT: Final = 500
"""SMTP codes from here on are final (RFC 5321 4.2.1)."""


class SmtpMailer:
    """A connection a letter: an office sends a handful of them."""

    def __init__(self, settings: Mail) -> None:
        self._settings = settings
        self._domain = settings.sender.rpartition("@")[2] or "localhost"

    async def send(self, letter: Letter) -> Posted:
        """`unknown` only where the whole text may have been taken: everything before it is safe to repeat."""
        client = self._client()
        try:
            await client.connect()
            await self._sign_in(client)
            await client.mail(self._settings.sender)
            await client.rcpt(letter.to)
        except aiosmtplib.SMTPException as failed:
            client.close()
            return _before(failed)
        except (OSError, ValueError) as failed:
            client.close()
            return Posted(MailState.RETRYING, _words(failed))
        return await self._text(client, letter)

    async def _text(self, client: aiosmtplib.SMTP, letter: Letter) -> Posted:
        try:
            answer = await client.data(self._message(letter).as_bytes())
        except aiosmtplib.SMTPResponseException as refused:
            return _before(refused)
        except (aiosmtplib.SMTPException, OSError) as lost:
            return Posted(MailState.UNKNOWN, _words(lost))
        finally:
            client.close()
        return Posted(MailState.SENT, str(answer.message))

    def _client(self) -> aiosmtplib.SMTP:
        mail = self._settings
        return aiosmtplib.SMTP(
            hostname=mail.host, port=mail.port, timeout=TIMEOUT_SECONDS,
            use_tls=mail.tls == "tls", start_tls=mail.tls == "starttls",
        )  # fmt: skip

    async def _sign_in(self, client: aiosmtplib.SMTP) -> None:
        if self._settings.user:
            await client.login(self._settings.user, self._settings.password.get_secret_value())

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._settings.sender
        message["To"] = letter.to
        message["Subject"] = letter.subject
        message["Date"] = formatdate(localtime=True)
        message["Message-ID"] = f"<{letter.key}@{self._domain}>"
        message["Importance"] = "high"
        message.set_content(letter.body)
        message.add_attachment(letter.pdf, maintype="application", subtype="pdf", filename=letter.file_name)
        return message


def _before(failed: aiosmtplib.SMTPException) -> Posted:
    """The server refused, or went away, before it had the text."""
    code = failed.code if isinstance(failed, aiosmtplib.SMTPResponseException) else 0
    if isinstance(failed, aiosmtplib.SMTPRecipientsRefused):
        code = max(one.code for one in failed.recipients)
    return Posted(MailState.REFUSED if code >= PERMANENT else MailState.RETRYING, _words(failed))


def _words(failed: Exception) -> str:
    """The server's own words; aiosmtplib repeats no password in them."""
    return str(failed) or type(failed).__name__
