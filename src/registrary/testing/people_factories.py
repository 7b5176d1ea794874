"""Records about people and what they allow, right as they stand, as those of `factories`."""

from datetime import timedelta
from typing import Any

import msgspec

from registrary.core.changes import Record
from registrary.core.deliveries import EventStream, Message, StatusOfClient, StatusPlace
from registrary.core.grants import (
    Authorization,
    AuthorizationCode,
    Confirmation,
    Consent,
    DeviceAuthorization,
    DeviceUserCode,
    Grant,
    GrantOfPerson,
    OpaqueAccessToken,
    PushedRequest,
    RefreshToken,
)
from registrary.core.people import (
    IdentityProvider,
    OneTimeCodes,
    Passkey,
    Person,
    Session,
    SessionOfPerson,
    SignInAttempt,
    SignInName,
    UpstreamIdentity,
)
from registrary.testing.clock import MOMENT
from registrary.testing.factories import ISSUER_ID, PEPPER_ID, an_id


def an_authorization(**what_matters: Any) -> Authorization:  # Any: the fields of Authorization
    """Return what a person allowed a client a moment ago."""
    authorization = Authorization(
        client_id=an_id(),
        person=an_id(),
        subject="a-subject",
        scope=("openid", "profile"),
        auth_time=MOMENT,
        amr=("pwd",),
    )
    return msgspec.structs.replace(authorization, **what_matters)


def an_authorization_code(**what_matters: Any) -> AuthorizationCode:  # Any: its fields
    """Return the record of a code that is good for a minute."""
    code = AuthorizationCode(
        issuer=ISSUER_ID,
        id=an_id(),
        pepper_id=PEPPER_ID,
        mac=bytes(32),
        authorization=an_authorization(),
        redirect_uri="https://client.example/callback",
        code_challenge="E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        created_at=MOMENT,
        expires_at=MOMENT + timedelta(minutes=1),
    )
    return msgspec.structs.replace(code, **what_matters)


def a_grant(**what_matters: Any) -> Grant:  # Any: the fields of Grant
    """Return a grant with a refresh token, good for a day."""
    grant = Grant(
        issuer=ISSUER_ID,
        id=an_id(),
        grant_type="authorization_code",
        authorization=an_authorization(),
        refresh_token=RefreshToken(
            pepper_id=PEPPER_ID, mac=bytes(32), family_key=bytes(32), issued_at=MOMENT
        ),
        created_at=MOMENT,
        expires_at=MOMENT + timedelta(days=1),
    )
    return msgspec.structs.replace(grant, **what_matters)


def a_person(**what_matters: Any) -> Person:  # Any: the fields of Person
    """Return somebody who can sign in and has no way to do it."""
    person = Person(
        issuer=ISSUER_ID,
        id=an_id(),
        username="demo",
        claims={"name": "Demo Person", "email": "demo@example.com", "email_verified": True},
        subject_key=bytes(32),
        created_at=MOMENT,
        updated_at=MOMENT,
    )
    return msgspec.structs.replace(person, **what_matters)


def a_session(**what_matters: Any) -> Session:  # Any: the fields of Session
    """Return a session that began a moment ago and ends in an hour."""
    session = Session(
        issuer=ISSUER_ID,
        id=an_id(),
        pepper_id=PEPPER_ID,
        mac=bytes(32),
        person=an_id(),
        session_id=an_id(),
        auth_time=MOMENT,
        amr=("pwd",),
        created_at=MOMENT,
        seen_at=MOMENT,
        ends_at=MOMENT + timedelta(days=1),
        expires_at=MOMENT + timedelta(hours=1),
    )
    return msgspec.structs.replace(session, **what_matters)


def _of_issuer(**members: Any) -> dict[str, Any]:  # Any: the fields of some record
    """Return *members* and what records that end have in common."""
    return {"issuer": ISSUER_ID, "expires_at": MOMENT + timedelta(minutes=10), **members}


def one_of_each_kind_about_people() -> tuple[Record, ...]:
    """Return a record of every kind that is about people, with every member filled."""
    token: dict[str, Any] = {
        "id": an_id(),
        "pepper_id": PEPPER_ID,
        "mac": b"\x00\xff",
    }  # Any: fields
    person, client_id, grant = an_id(), an_id(), an_id()
    return (
        an_authorization_code(redeemed_at=MOMENT, grant=grant),
        a_grant(
            confirmation=Confirmation(jkt="jkt", x5t_s256="x5t"),
            refresh_token=RefreshToken(
                pepper_id=PEPPER_ID,
                mac=bytes(32),
                family_key=b"\xff",
                issued_at=MOMENT,
                previous_mac=b"\x00",
                rotated_at=MOMENT,
                sealed_answer=b"\xff",
            ),
        ),
        GrantOfPerson(**_of_issuer(person=person, client_id=client_id, grant=grant)),
        Consent(
            issuer=ISSUER_ID,
            person=person,
            client_id=client_id,
            redirect_host="client.example",
            scope=("openid",),
            declined=("email",),
            resources=("https://api.example/",),
            metadata_hash="hash",
            given_at=MOMENT,
        ),
        PushedRequest(
            **_of_issuer(
                **token,
                client_id=client_id,
                parameters={"resource": ("https://a.example/", "https://b.example/")},
                is_signed=True,
                created_at=MOMENT,
                good_until=MOMENT,
            )
        ),
        DeviceAuthorization(
            **_of_issuer(
                **token,
                user_code="BCDFGHJK",
                client_id=client_id,
                authorization=an_authorization(),
                authorization_details=({"type": "payment", "amount": 1},),
                created_at=MOMENT,
            )
        ),
        DeviceUserCode(**_of_issuer(user_code="BCDFGHJK", device=an_id())),
        OpaqueAccessToken(**_of_issuer(**token, claims={"sub": "a-subject"})),
        a_person(
            password="$argon2id$encoded",
            one_time_codes=OneTimeCodes(sealed_secret=b"\xff", confirmed_at=MOMENT, last_step=7),
            passkeys=(Passkey(id=b"\x00", public_key=b"\xff", created_at=MOMENT),),
            identities=(UpstreamIdentity(provider="staff", subject="1", linked_at=MOMENT),),
        ),
        SignInName(issuer=ISSUER_ID, name="local:müller", person=person),
        a_session(clients=(client_id,)),
        SessionOfPerson(**_of_issuer(person=person, session=an_id())),
        SignInAttempt(
            **_of_issuer(
                state="state",
                provider="staff",
                browser="browser",
                sealed=b"\xff",
                return_to="/authorize?client_id=1",
                started_at=MOMENT,
            )
        ),
        IdentityProvider(
            issuer=ISSUER_ID,
            id="staff",
            name="Staff",
            url="https://login.example",
            client_id="registrary",
            sealed_secret=b"\xff",
            domains=("example.com",),
            claims={"email": "mail"},
            created_at=MOMENT,
            updated_at=MOMENT,
        ),
        Message(
            **_of_issuer(
                id=an_id(),
                purpose="security_event",
                url="https://receiver.example/",
                about=an_id(),
                alg="RS256",
                claims={"iss": "https://registry.example", "events": {"urn:example": {}}},
                created_at=MOMENT,
                give_up_at=MOMENT,
            )
        ),
        EventStream(
            issuer=ISSUER_ID,
            id=an_id(),
            url="https://receiver.example/",
            audience="https://receiver.example/",
            created_at=MOMENT,
            updated_at=MOMENT,
        ),
        StatusPlace(issuer=ISSUER_ID, list_id="clients-0", index=7, subject=f"client:{client_id}"),
        StatusOfClient(issuer=ISSUER_ID, client_id=client_id, list_id="clients-0", index=7),
    )
