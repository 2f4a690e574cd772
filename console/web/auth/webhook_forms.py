"""The fields that an administrator enters about a webhook: validated when it is requested and when it is made."""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from pydantic import ValidationError

from console.web.auth.account_forms import RefusedError
from console.web.auth.words import N_
from console.web.kit.services import Services
from console.web.rosters import areas
from domain.access.webhooks import HTTPS, Address, addresses, may_send_to, may_use_port, permitted_ports
from schemas.channels.webhooks import Webhook
from streams.channels.webhooks import new_id

WRONG = {
    "url": N_("地址要以 https:// 开头；只有本机的程序可以用 http://。"),
    "area": N_("辖区：行政区划代码开头的 2、4、6 或 9 位数字；留空为全省。"),
    "address": N_("不能推送到这个地址：本机、链路本地和云元数据地址一律不可；内网地址须由运维逐个列入许可。"),
    "port": N_("不能推送到这个端口：只能用 443 端口，其他端口须由运维在 QUANZU_CONSOLE_WEBHOOK_PORTS 中列入许可。"),
    "nowhere": N_("没有这个行政区划代码。请核对。"),
}


def webhook_of_form(made: Services, by: str, given: Mapping[str, str], secrets: Sequence[str]) -> Webhook:
    """Return the webhook that a form describes (`given`: its fields), not stored yet. `by`: the login of the person who
    asks for it; `secrets`: its secrets, encrypted. Raises RefusedError if a field is invalid, or nothing may be sent to
    the address or its port.
    """
    try:
        found = Webhook.model_validate(
            {
                "id": new_id(),
                "url": given["url"],
                "area": given["area"],
                "levels": frozenset(given["levels"].split()),
                "words": given.get("words") == "yes",
                "language": given["language"],
                "secrets": list(secrets),
                "made_at": made.line.clock.now(),
                "made_by": by,
            }
        )
    except ValidationError as error:
        raise RefusedError(WRONG.get(str(error.errors()[0]["loc"][0]), WRONG["url"])) from None
    parts = urlsplit(found.url)
    address, trial = _address(parts.hostname or ""), made.line.settings.embedded
    if address is not None and not may_send_to(address, addresses(made.settings.webhook_addresses), trial):
        raise RefusedError(WRONG["address"])
    port = parts.port if parts.port is not None else HTTPS if parts.scheme == "https" else 80
    if not may_use_port(port, address, permitted_ports(made.settings.webhook_ports), trial):
        raise RefusedError(WRONG["port"])
    if not areas.exists(found.area):
        raise RefusedError(WRONG["nowhere"])
    return found


def _address(host: str) -> Address | None:
    """Return the IP address that a webhook's address names; None for a host name, which is checked when it is
    resolved.
    """
    try:
        return ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        return None


def destination(url: str) -> str:
    """Return the host and port of a webhook's address, at most 128 characters, for requests and the audit. The path is
    left out: it may hold a secret.
    """
    return urlsplit(url).netloc[:128]
