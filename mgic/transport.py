"""How the client reaches the service: past all proxies, or through them."""

from urllib.parse import urlsplit
from urllib.request import proxy_bypass

import httpx2 as httpx

from mgic.errors import BadConfig
from mgic.place import is_loopback


def connect(url: str, api_key: str | None, timeout: float) -> httpx.Client:
    """A connection past all proxies to this machine and to whom NO_PROXY names, else through them."""
    if api_key and not (api_key.isascii() and api_key.isprintable()):
        raise BadConfig("the key of the service has a character that no header of HTTP may have")
    host = urlsplit(url).hostname or ""
    direct = is_loopback(host) or bool(proxy_bypass(host))
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    # Certificates come from the environment either way, which `trust_env` would else shut out too.
    verify = httpx.create_ssl_context() if direct and url.startswith("https:") else True
    try:
        return httpx.Client(base_url=url, headers=headers, timeout=timeout, verify=verify, trust_env=not direct)
    except httpx.InvalidURL as error:
        raise BadConfig(f"the address of the service, {url[:200]}, or of a proxy to it is none: {error}") from error
    except ImportError as error:
        raise BadConfig(
            "the proxy that ALL_PROXY names speaks SOCKS, which needs `pip install 'httpx2[socks]'`"
        ) from error
    except ValueError as error:
        raise BadConfig(f"the proxy that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY names cannot be used: {error}") from error
