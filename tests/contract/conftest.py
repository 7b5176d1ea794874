"""The contracts are tests that live in the package; their assertions shall speak as ours do."""

import pytest

pytest.register_assert_rewrite("registrary.testing")
