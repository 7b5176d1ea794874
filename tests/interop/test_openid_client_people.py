"""openid-client, with people who sign in and consent."""

from tests.interop.person_guarantees import PersonGuarantees

SCRIPT = "openid_client_people.mjs"


class TestOpenidClient(PersonGuarantees):
    pass
