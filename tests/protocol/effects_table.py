"""What becomes of everything a client has when the client, or the person, is in some state.

The two tables say what is expected; test_client_states.py makes each cell a test of its own.

- To programs: *ok*; *held* is ``unauthorized_client``, *unknown* ``invalid_client``, *ended*
  ``invalid_grant``, *dead* ``invalid_token``, *bad* ``invalid_request``, *denied*
  ``access_denied``.
- To people: *asks* is the page that asks for consent (or whether to sign out), *login* the login
  page, *none* that no device waits, *code* a code on its way to the client, *back* the way back
  after a logout. *page* is a 4xx page that leads nowhere; *link* one with a link to the client, as
  is the page of who had left before.
  *held!*, *login!* and *consent!* are errors sent to the client of a silent request.
- *on* and *off* are what introspection and status lists say of a token.
"""

from typing import Final

Rows = dict[str, dict[str, str]]

CLIENT: Final = """
                                   | active | awaiting | soft   | lifted | hard    | after | gone
/authorize, a new request          | asks   | link     | link   | asks   | page    | asks  | page
/authorize, consent is remembered  | code   | link     | link   | code   | page    | code  | page
/authorize, prompt=none            | code   | held!    | held!  | code   | page    | code  | page
/authorize, a page open before     | code   | link     | link   | code   | page    | code  | page
/authorize, pushed before          | asks   | link     | link   | asks   | page    | asks  | page
/par                               | ok     | held     | held   | ok     | unknown | ok    | unknown
/device_authorization              | ok     | held     | held   | ok     | unknown | ok    | unknown
/device, a code that waits         | asks   | none     | none   | asks   | none    | asks  | none
/token, code                       | ok     | held     | held   | ok     | unknown | ended | unknown
/token, refresh token              | ok     | held     | held   | ok     | unknown | ended | unknown
/token, refresh token, no secret   | ok     | held     | held   | ok     | unknown | ended | unknown
/token, device code                | ok     | held     | held   | ok     | unknown | ended | unknown
/token, client credentials         | ok     | held     | held   | ok     | unknown | ok    | unknown
/token, exchange                   | ok     | held     | held   | ok     | unknown | bad   | unknown
/token, exchange by an API         | ok     | bad      | bad    | ok     | bad     | bad   | bad
/token, assertion of a provider    | ok     | held     | held   | ok     | unknown | ok    | unknown
/introspect itself, person's JWT   | on     | held     | held   | on     | unknown | off   | unknown
/introspect itself, opaque         | on     | held     | held   | on     | unknown | off   | unknown
/introspect itself, refresh token  | on     | held     | held   | on     | unknown | off   | unknown
/introspect itself, own JWT        | on     | held     | held   | on     | unknown | off   | unknown
/introspect, person's JWT          | on     | off      | off    | on     | off     | off   | off
/introspect, opaque                | on     | off      | off    | on     | off     | off   | off
/introspect, own JWT               | on     | off      | off    | on     | off     | off   | off
/userinfo, JWT                     | ok     | dead     | dead   | ok     | dead    | dead  | dead
/userinfo, opaque                  | ok     | dead     | dead   | ok     | dead    | dead  | dead
/userinfo, no secret               | ok     | dead     | dead   | ok     | dead    | dead  | dead
/revoke                            | ok     | held     | held   | ok     | unknown | ok    | unknown
status list, its own token         | on     | off      | off    | on     | off     | off   | off
status list, a person's token      | on     | off      | off    | on     | off     | off   | off
/register/{id} GET                 | ok     | ok       | ok     | ok     | ok      | ok    | dead
/register/{id} PUT, what people read| ok     | ok       | ok     | ok     | denied  | ok    | dead
/register/{id} PUT, a redirect URI | ok     | ok       | denied | ok     | denied  | ok    | dead
/register/{id} DELETE              | ok     | ok       | ok     | ok     | denied  | ok    | dead
/logout at its wish                | back   | asks     | asks   | back   | asks    | back  | asks
"""
"""Columns are what a state amounts to: *lifted* and *after* follow upon *soft* and *hard*."""

PERSON: Final = """
                                   | well | disabled | again  | signed out | left   | disconnected
/authorize, consent is remembered  | code | login    | login  | login      | login  | asks
/authorize, prompt=none            | code | login!   | login! | login!     | login! | consent!
/authorize, a page open before     | code | login    | login  | login      | login  | code
/token, code                       | ok   | ended    | ended  | ended      | ended  | ended
/token, refresh token              | ok   | ended    | ended  | ended      | ended  | ended
/token, refresh token, no secret   | ok   | ended    | ended  | ended      | ended  | ended
/token, device code                | ok   | ended    | ended  | ended      | denied | denied
/token, client credentials         | ok   | ok       | ok     | ok         | ok     | ok
/token, exchange                   | ok   | bad      | bad    | bad        | bad    | bad
/token, exchange by an API         | ok   | bad      | bad    | bad        | bad    | bad
/introspect itself, person's JWT   | on   | off      | off    | off        | off    | off
/introspect itself, opaque         | on   | off      | off    | off        | off    | off
/introspect itself, refresh token  | on   | off      | off    | off        | off    | off
/introspect itself, own JWT        | on   | on       | on     | on         | on     | on
/introspect, person's JWT          | on   | off      | off    | off        | off    | off
/introspect, opaque                | on   | off      | off    | off        | off    | off
/userinfo, JWT                     | ok   | dead     | dead   | dead       | dead   | dead
/userinfo, opaque                  | ok   | dead     | dead   | dead       | dead   | dead
/userinfo, no secret               | ok   | dead     | dead   | dead       | dead   | dead
status list, its own token         | on   | on       | on     | on         | on     | on
status list, a person's token      | on   | off      | off    | off        | off    | off
/device, a code that waits         | asks | login    | login  | login      | login  | asks
/logout at its wish                | back | link     | link   | link       | link   | back
"""

WORDS: Final = {
    "held": "unauthorized_client",
    "unknown": "invalid_client",
    "ended": "invalid_grant",
    "dead": "invalid_token",
    "bad": "invalid_request",
    "denied": "access_denied",
    "held!": "to the client: unauthorized_client",
    "login!": "to the client: login_required",
    "consent!": "to the client: consent_required",
}


def columns_of(table: str) -> Rows:
    """Return what is expected by column and row; a word of `WORDS` stands for its answer."""
    lines = table.strip("\n").split("\n")
    head, *rows = ([cell.strip() for cell in line.split("|")] for line in lines)
    return {
        state: {row[0]: WORDS.get(row[index], row[index]) for row in rows}
        for index, state in enumerate(head)
        if state
    }
