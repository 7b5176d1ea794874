"""Third-party clients sent on journeys, each in a Node.js process, every step of it reported."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.interop.places import RESOURCE, Place

NODE_FOLDER: Final = Path(__file__).parent / "node"
JOURNEY_SECONDS: Final = 120  # how long one may take on a busy machine
ADVICE: Final = "`make test` installs what these tests run on, locked by tests/interop/node"


@dataclass(frozen=True, slots=True)
class Way:
    """Where a client goes, how it gets in and how it proves itself.

    *method* None leaves the choice to server and library. *signs_as* is the name of *alg* in the
    header of assertions, *alg* itself unless given.
    """

    name: str
    method: str | None = "client_secret_basic"
    alg: str | None = None
    signs_as: str | None = None
    place: str = "open"
    token_in_path: bool = False

    def metadata(self) -> dict[str, Any]:
        """Return what the client asks for, but for its keys."""
        wish = {
            "client_name": "Interop",
            "contacts": ["admin@app.example"],
            "grant_types": ["client_credentials"],
            "token_endpoint_auth_method": self.method,
            "token_endpoint_auth_signing_alg": self.alg,
        }
        return {name: value for name, value in wish.items() if value is not None}

    def plan(self) -> dict[str, Any]:
        """Return what the script is told of this way."""
        return {
            "method": self.method,
            "alg": self.alg,
            "signs_as": self.signs_as or self.alg,
            "token_in_path": self.token_in_path,
            "metadata": self.metadata(),
        }


WAYS: Final = (
    Way("client_secret_basic"),
    Way("client_secret_post", "client_secret_post"),
    Way("client_secret_jwt", "client_secret_jwt"),
    Way("private_key_jwt with ES256", "private_key_jwt", "ES256"),
    Way("private_key_jwt with RS256", "private_key_jwt", "RS256"),
    Way("private_key_jwt with PS256", "private_key_jwt", "PS256"),
    Way("private_key_jwt with EdDSA", "private_key_jwt", "EdDSA"),
    Way("private_key_jwt with EdDSA by its newer name", "private_key_jwt", "EdDSA", "Ed25519"),
    Way("private_key_jwt with Ed25519", "private_key_jwt", "Ed25519"),
    Way("initial access token in the header", place="protected"),
    Way("initial access token in the path", place="protected", token_in_path=True),
    Way("https, issuer with a path", "private_key_jwt", "ES256", place="secure"),
)


@dataclass(frozen=True, slots=True)
class Journey:
    """What a library said on its way. *ending* is what its process wrote when it broke off."""

    way: Way
    issuer: str
    steps: dict[str, dict[str, Any]]
    ending: str

    def result(self, step: str) -> Any:  # Any: JSON as the library handed it to its caller
        """Return what came out of *step*, which has to have succeeded."""
        outcome = self._outcome(step)
        if "failure" in outcome:
            pytest.fail(f"{self.way.name}: {step}: {outcome['failure']}", pytrace=False)
        return outcome["result"]

    def failure(self, step: str) -> dict[str, Any]:
        """Return what the library told its caller when *step* failed, as it has to."""
        outcome = self._outcome(step)
        if "failure" not in outcome:
            pytest.fail(f"{self.way.name}: {step}: succeeded", pytrace=False)
        failure: dict[str, Any] = outcome["failure"]
        return failure

    def _outcome(self, step: str) -> dict[str, Any]:
        if step not in self.steps:
            reached = ", ".join(self.steps) or "nothing"
            pytest.fail(f"{self.way.name}: reached {reached}\n{self.ending}", pytrace=False)
        return self.steps[step]


@dataclass(frozen=True, slots=True)
class Travel:
    """One library at one place, ready to go."""

    script: str
    way: Way
    place: Place

    def go(self, journey: str, *, trusting: bool = True, **more: Any) -> Journey:
        """Make the journey of that name; *more* is added to its plan.

        Unless *trusting*, the library does not know who vouches for the server's certificate.
        """
        plan = json.dumps(self._plan() | more)
        authority = self.place.server.authority if trusting else None
        done = subprocess.run(
            [node(), str(NODE_FOLDER / self.script), journey, plan],
            capture_output=True,
            text=True,
            check=False,
            timeout=JOURNEY_SECONDS,
            env=environment(authority),
        )
        outcomes = [json.loads(said) for said in done.stdout.splitlines()]
        steps = {outcome["step"]: outcome for outcome in outcomes}
        return Journey(self.way, self.place.issuer, steps, done.stderr)

    def _plan(self) -> dict[str, Any]:
        return self.way.plan() | {
            "issuer": self.place.issuer,
            "initial_access_token": self.place.initial_access_token(),
            "resource": RESOURCE,
            "resource_server": self.place.resource_server,
        }


MakeTravel = Callable[[str, Way], Travel]


def node() -> str:
    """Return the Node.js of this machine or of the environment these tests run in."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which("node", path=os.pathsep.join([beside, os.environ.get("PATH", "")]))
    if found is None:
        pytest.fail(f"there is no Node.js; {ADVICE}", pytrace=False)
    return found


def environment(authority: Path | None) -> dict[str, str]:
    """Return an environment without settings of Node.js but whom to trust besides."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NODE_")}
    return kept | ({"NODE_EXTRA_CA_CERTS": str(authority)} if authority else {})


def require_libraries() -> None:
    """Fail unless the libraries are there in the locked versions."""
    lock = json.loads((NODE_FOLDER / "package-lock.json").read_text(encoding="utf-8"))
    wanted = {name: one["version"] for name, one in lock["packages"].items() if name}
    if wanted != (found := {name: installed_version(name) for name in wanted}):
        pytest.fail(f"wanted {wanted}, found {found}; {ADVICE}", pytrace=False)


def installed_version(name: str) -> str | None:
    """Return the version of the package in the folder *name*, or None."""
    manifest = NODE_FOLDER / name / "package.json"
    if not manifest.is_file():
        return None
    version: str = json.loads(manifest.read_text(encoding="utf-8"))["version"]
    return version
