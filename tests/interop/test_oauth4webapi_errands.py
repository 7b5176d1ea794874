"""oauth4webapi beyond codes: devices, exchanged tokens, signing out."""

from tests.interop.errand_guarantees import ErrandGuarantees

SCRIPT = "oauth4webapi_people.mjs"


class TestOauth4webapi(ErrandGuarantees):
    pass
