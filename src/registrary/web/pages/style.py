"""The one style sheet of the pages, and the hash by which a policy admits it."""

from base64 import b64encode
from hashlib import sha256
from typing import Final

STYLE: Final = """
:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --sheet: #ffffff; --line: #d5d9e0; --text: #1b2230; --soft: #4d5768;
  --mark: #a3312b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12151b; --sheet: #1b2029; --line: #363e4c; --text: #eceff4; --soft: #b3bccb;
    --mark: #ff9d94;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem;
  background: var(--ground); color: var(--text);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
main {
  width: min(100%, 34rem); padding: 2rem; background: var(--sheet);
  border: 1px solid var(--line); border-top: 4px solid var(--mark); border-radius: .5rem;
}
h1 { margin: 0 0 .75rem; font-size: 1.4rem; line-height: 1.25; text-wrap: balance; }
p { margin: 0 0 .75rem; overflow-wrap: anywhere; }
pre {
  margin: 0 0 .75rem; padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .375rem;
  background: var(--ground); white-space: pre-wrap; overflow-wrap: anywhere;
}
.whole { user-select: all; }
code { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .9375rem; }
button {
  margin-top: .75rem; padding: .6rem 1.25rem; border: 0; border-radius: .375rem; cursor: pointer;
  background: var(--mark); color: var(--sheet); font: inherit; font-weight: 600;
}
button:focus-visible { outline: 3px solid var(--text); outline-offset: 2px; }
dl {
  display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem;
  margin: 1.5rem 0 0; padding-top: 1rem; border-top: 1px solid var(--line);
  color: var(--soft); font-size: .875rem;
}
dt { font-weight: 600; }
dd { margin: 0; overflow-wrap: anywhere; font-family: ui-monospace, Menlo, Consolas, monospace; }
"""

STYLE_HASH: Final = "sha256-" + b64encode(sha256(STYLE.encode()).digest()).decode()
"""As Content Security Policy spells it: of what stands between the style tags, byte for byte."""
