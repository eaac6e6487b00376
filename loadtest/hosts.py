"""Which hosts are this machine itself."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether a host, by name or address, can only be this machine.

    >>> [is_loopback(host) for host in ("localhost", "127.0.0.7", "::1", "example.com")]
    [True, True, True, False]
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
