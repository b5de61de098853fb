"""Shared memory: blocks of one arena, handed over to viewers of this machine."""

from polystore_streaming.memory._arena import NONCE_BYTES, Arena
from polystore_streaming.memory._blocks import ALIGNMENT, Block, Blocks
from polystore_streaming.memory._handover import SESSION_BYTES, hand_over, listen, peer_is_same_user, receive
from polystore_streaming.memory._shared import CAN_SHARE, make_shared, map_received, populate

__all__ = [
    "ALIGNMENT",
    "CAN_SHARE",
    "NONCE_BYTES",
    "SESSION_BYTES",
    "Arena",
    "Block",
    "Blocks",
    "hand_over",
    "listen",
    "make_shared",
    "map_received",
    "peer_is_same_user",
    "populate",
    "receive",
]
