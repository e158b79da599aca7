"""Our network and our experiment: to import them registers them."""

from our_nets import network, shares

__all__ = ["network", "shares"]
