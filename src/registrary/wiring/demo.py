"""The person that a development server knows from the start."""

from typing import Any, Final

from registrary.authserver.people.names import local_name
from registrary.authserver.people.newcomers import NEWCOMER_DRAW_BYTES, newcomer
from registrary.authserver.people.passwords import hashed
from registrary.core.entropy import Draw
from registrary.core.events import Actor, ActorKind
from registrary.core.people import SignInName
from registrary.core.secrets import Secret
from registrary.policy.journal import Occasion
from registrary.ports.clock import Clock, Entropy
from registrary.ports.store import Conflict, Store

USERNAME: Final = "demo"
PASSWORD: Final = "demo"
CLAIMS: Final[dict[str, Any]] = {  # Any: claims are JSON values of every kind
    "name": "Demo Person",
    "given_name": "Demo",
    "middle_name": "D.",
    "family_name": "Person",
    "nickname": "Demo",
    "preferred_username": USERNAME,
    "profile": "https://demo.example/profile",
    "picture": "https://demo.example/picture.png",
    "website": "https://demo.example/",
    "gender": "unknown",
    "birthdate": "2000-01-01",
    "zoneinfo": "Europe/Berlin",
    "locale": "en-GB",
    "email": "demo@demo.example",
    "email_verified": True,
    "address": {
        "formatted": "1 Demo Street\n12345 Demoville\nDemoland",
        "street_address": "1 Demo Street",
        "locality": "Demoville",
        "region": "Demoshire",
        "postal_code": "12345",
        "country": "Demoland",
    },
    "phone_number": "+49 30 901820",
    "phone_number_verified": True,
}
"""A value for every standard claim, so that whoever asks for one sees it come."""


async def ensure_demo_person(store: Store, clock: Clock, *, entropy: Entropy) -> None:
    """Make the demo person known to every development issuer that does not know them yet."""
    for issuer in await store.issuers():
        known = await store.get(SignInName, issuer.id, local_name(USERNAME))
        if not issuer.dev or known is not None:
            continue
        _, changes = newcomer(
            Occasion(issuer.id, clock.now(), Actor(ActorKind.SYSTEM)),
            draw=Draw(entropy.token_bytes(NEWCOMER_DRAW_BYTES)),
            username=USERNAME,
            claims=CLAIMS,
            password=await hashed(Secret(PASSWORD)),
        )
        try:
            await store.commit(changes)
        except Conflict:
            continue  # another worker made them known first
