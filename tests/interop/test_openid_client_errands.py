"""openid-client beyond codes: devices, exchanged tokens, signing out."""

from tests.interop.errand_guarantees import ErrandGuarantees

SCRIPT = "openid_client_people.mjs"


class TestOpenidClient(ErrandGuarantees):
    pass
