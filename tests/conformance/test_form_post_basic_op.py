"""`oidcc-formpost-basic-certification-test-plan`: the Basic modules, answered by forms."""

from tests.conformance.basic_modules import BasicModules


class TestFormPostBasicOp(BasicModules):
    response_mode = "form_post"
