"""Which of a provider's keys serves next, and what becomes of a key when the provider complains. Pure.

key          a key as the configuration has it, with its limits
window       amounts within a time
meters       what a key has been used for, against its limits
standing     whether a key rests, or is taken for wrong
strategies   which of several serves
ring         all of it: `Keyring.take` gives a `Slot`
snapshot     what is remembered, as a document
"""

from relay.upstream.keyring.key import Key, KeyLimits
from relay.upstream.keyring.ring import KeyMemory, Keyring, RingMemory, Shortage, Slot
from relay.upstream.keyring.state import KeyState, KeyStatus

__all__ = ["Key", "KeyLimits", "KeyMemory", "KeyState", "KeyStatus", "Keyring", "RingMemory", "Shortage", "Slot"]
