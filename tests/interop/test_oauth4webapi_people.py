"""oauth4webapi, with people who sign in and consent."""

from tests.interop.person_guarantees import PersonGuarantees

SCRIPT = "oauth4webapi_people.mjs"


class TestOauth4webapi(PersonGuarantees):
    pass
