"""URI schemes that no application has to itself."""

from typing import Final

# A private-use scheme hands its URI to one application. These do something else: they run what
# they carry, show or change the insides of a browser or of this machine, speak to other servers,
# start a program that others control, or belong to whichever website offered itself
# (RFC 9700 §4.1.3, RFC 8252 §7.1; HTML, "registerProtocolHandler").
_RUN_OR_SHOW: Final = """
    about applescript blob brave cid chrome data devtools edge filesystem firefox javascript jscript
    livescript mhtml mid mocha opera res resource vbscript view-source vivaldi wyciwyg x-javascript
"""
_READ_THIS_MACHINE: Final = """
    afp cifs content file hcp help its jar mk netdoc nfs search search-ms shell smb
"""
_REACH_OTHERS: Final = """
    callto coap coaps dav davs dict dns ed2k facetime facetime-audio feed finger ftp ftps geo git
    gopher im imap imaps ipp ipps irc irc6 ircs ldap ldapi ldaps magnet mailto maps mms mmsh news
    nntp nntps oid pop pop3 rdp rlogin rsync rtmp rtsp rtspu sftp sip sips sms smsto snews snmp ssh
    stun stuns svn svn+ssh tel telnet tftp tn3270 turn turns udp urn uuid vnc wais webcal webdav
    webdavs ws wss wtai xmpp
"""
_START_OTHER_PROGRAMS: Final = """
    android-app app-prefs apt intent intents itms itms-apps itms-appss itms-services market onenote
    onenote-cmd prefs shortcuts windowsdefender workflow x-man-page x-web-search
"""
_OF_ANY_WEBSITE: Final = """
    bitcoin matrix openpgp4fpr
"""

DENIED_SCHEMES: Final = frozenset(
    scheme
    for schemes in (
        _RUN_OR_SHOW,
        _READ_THIS_MACHINE,
        _REACH_OTHERS,
        _START_OTHER_PROGRAMS,
        _OF_ANY_WEBSITE,
    )
    for scheme in schemes.split()
)
"""Lower-case schemes that a redirect URI must not have (A-065), beside those that begin badly."""

# Families that grow with every release of a browser or system. ``ms-app`` is none of them: it
# leads back into one application by its package (Windows' web authentication broker).
_DENIED_BEGINNINGS: Final = (
    "chrome-",
    "edge-",
    "googlechrome",
    "microsoft-edge",
    "moz-",
    "ms-",
    "safari-",
    "x-apple",
)
_TAKEN_ALL_THE_SAME: Final = frozenset({"ms-app"})


def is_denied(scheme: str) -> bool:
    """Tell whether *scheme*, lower-cased, is one that no application has to itself."""
    if scheme in DENIED_SCHEMES:
        return True
    return scheme.startswith(_DENIED_BEGINNINGS) and scheme not in _TAKEN_ALL_THE_SAME
