"""The pages of the one-time set-up link."""

from collections.abc import Mapping
from html import escape

from registrary.web.pages.document import Document


def setup(values: Mapping[str, object]) -> Document:
    """Offer to make the first admin token of *issuer*."""
    title = "Set up this server"
    issuer = escape(str(values["issuer"]))
    return Document(
        title,
        f"<h1>{title}</h1>"
        f"<p>This is <strong>{issuer}</strong>. Nobody administers it yet.</p>"
        "<p>The button makes an admin token with every permission and shows it once. "
        "After that this link is good for nothing.</p>"
        '<form method="post">'
        '<button name="setup" value="make">Make the admin token</button></form>',
    )


def setup_done(values: Mapping[str, object]) -> Document:
    """Show the first admin *token* of *issuer*, this once."""
    title = "Your admin token"
    issuer, token = escape(str(values["issuer"])), escape(str(values["token"]))
    return Document(
        title,
        f"<h1>{title}</h1>"
        "<p>Keep it where you keep passwords. It is shown this once and lasts until it is "
        "revoked.</p>"
        f'<pre class="whole"><code>{token}</code></pre>'
        "<p>It opens the admin API, which also makes tokens that may do less. To try it:</p>"
        f"<pre><code>curl --header 'Authorization: Bearer …' {issuer}/api/v1/clients</code></pre>",
    )
