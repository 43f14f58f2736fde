"""Which detectors share a gateway, by their addresses. Pure.

A gateway that loses its mind raises all its detectors at once (lifecycle section 10); what it
says is then one incident. Only protocols whose addresses name a line or a bridge have one: a
detector with its own radio to a cloud has none, and is never held together with others.
"""

BY_DEPTH = {"zigbee2mqtt": 1, "gb26875": 2, "sparkplug": 3}
"""How many parts of an address name the gateway, by protocol."""


def gateway_of(address: str) -> str | None:
    """The gateway's own address; None where the protocol names none or the address is short.

    >>> gateway_of("gb26875/889/1.1/00000001")
    'gb26875/889'
    >>> gateway_of("ctwing/868540050000001") is None
    True
    """
    parts = address.split("/")
    depth = BY_DEPTH.get(parts[0])
    return None if depth is None or len(parts) <= depth else "/".join(parts[:depth])
