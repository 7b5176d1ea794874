"""`oidcc-basic-certification-test-plan`, for clients that register themselves."""

from tests.conformance.basic_modules import BasicModules


class TestBasicOp(BasicModules):
    pass
