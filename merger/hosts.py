"""Names of hosts, as requests and options give them."""

import re
from ipaddress import ip_address


def name_of(host: str) -> str:
    """A host name without its port, brackets and last dot.

    >>> name_of("[::1]:8000"), name_of("LocalHost.:80"), name_of("::1")
    ('::1', 'localhost', '::1')
    """
    text = host.strip().lower()
    bracketed = re.fullmatch(r"\[([^\]]*)\](:\d*)?", text)
    if bracketed:
        return bracketed[1]
    return (text.partition(":")[0] if text.count(":") == 1 else text).rstrip(".")


def numeric(name: str) -> bool:
    """Whether a host is an address in numbers."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


__all__ = ["name_of", "numeric"]
